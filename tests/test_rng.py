"""Random numbers are a pure function of seed, row, candidate and step."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fakes import TabularModel, batch_of, everything, random_table, written
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen import rng
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.token_by_token import sample
from textgen.decoding.stop import Stop
from textgen.rng import Draws, fresh_seed, row_key, uniform

KEY = row_key(7, "春天来了")


def test_pinned_values() -> None:
    """Texts of a seed stay what they are from version to version."""
    assert KEY.hex() == "0135b0cde30a80bdad57549c82a8d67c"
    assert uniform(KEY, 0, 0) == 0.9979237744644518
    assert uniform(KEY, 3, 41) == 0.8542348453444069
    assert uniform(row_key(0, "", id="a17"), 1, 2, 3) == 0.21582689016368783


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), *[st.integers(0, 2**64 - 1)] * 3)
def test_range(key: bytes, candidate: int, step: int, draw: int) -> None:
    number = uniform(key, candidate, step, draw)
    assert 0 <= number < 1
    assert (number * 2**53).is_integer()
    assert number == uniform(key, candidate, step, draw)


@pytest.mark.parametrize(("byte", "number"), [(b"\x00", 0.0), (b"\xff", 1 - 2.0**-53)])
def test_the_ends_of_the_range(monkeypatch: pytest.MonkeyPatch, byte: bytes, number: float) -> None:
    monkeypatch.setattr(rng, "blake2b", lambda *_, **__: SimpleNamespace(digest=lambda: byte * 8))
    assert uniform(KEY, 0, 0) == number < 1


def test_keys() -> None:
    assert len(KEY) == 16
    assert row_key(7, "春天来了") == KEY
    assert row_key(7, "别的文章", id="a") == row_key(7, "春天来了", id="a")  # an id beats the text
    others = [
        row_key(8, "春天来了"),
        row_key(7, "春天来"),
        row_key(7, "春天来了", id="a"),
        row_key(7, "春天来了", id="b"),
        row_key(7, "春天来了", id="春天来了"),
        row_key(7, "春天来了", id=""),
        row_key(7, "春天来了", keywords=["花"]),
        row_key(7, "春天来了", keywords=["花", "草"]),
        row_key(7, "春天来了", keywords=["花草"]),
        row_key(7, "春天来了花草"),
        row_key(71, ""),
        row_key(7, "1"),
    ]
    assert len({KEY, *others}) == len(others) + 1
    assert row_key(7, "\ud800") != row_key(7, "\ud801")  # even what cannot be encoded has a key


def test_everything_counts() -> None:
    arguments = [(c, s, d) for c in range(8) for s in range(8) for d in range(8)]
    assert len({uniform(KEY, *given) for given in arguments}) == len(arguments)
    assert uniform(KEY, 0, 0) != uniform(row_key(8, "春天来了"), 0, 0)


@pytest.mark.parametrize("along", ["candidate", "step", "draw", "key"])
def test_uniformity(along: str) -> None:
    """Kolmogorov and Smirnov's distance, at the level of one in a thousand."""
    count = 5000
    draws = {
        "candidate": lambda n: uniform(KEY, n, 0),
        "step": lambda n: uniform(KEY, 0, n),
        "draw": lambda n: uniform(KEY, 0, 0, n),
        "key": lambda n: uniform(row_key(0, str(n)), 0, 0),
    }
    numbers = sorted(draws[along](n) for n in range(count))
    distance = max(max((n + 1) / count - x, x - n / count) for n, x in enumerate(numbers))
    assert distance < 1.95 / count**0.5


def test_neighbours_are_independent() -> None:
    """Chi-square of pairs of steps on a 8 x 8 board; 63 degrees of freedom, one in a thousand."""
    count = 6400
    board = np.zeros((8, 8))
    for n in range(count):
        board[int(8 * uniform(KEY, 0, 2 * n)), int(8 * uniform(KEY, 0, 2 * n + 1))] += 1
    assert ((board - count / 64) ** 2 / (count / 64)).sum() < 103.4


def test_fresh_seeds() -> None:
    seeds = {fresh_seed() for _ in range(50)}
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(seeds) > 45


def test_no_global_state_is_touched_or_read() -> None:
    def run() -> list[list[int]]:
        model = TabularModel(5, random_table(5, 1))
        scoring = Scoring(everything(5))
        keys = [row_key(1, str(row)) for row in range(3)]
        stop = Stop(4, 10)
        batch = batch_of([[1], [2], [3]])
        drafts = written(
            model,
            batch,
            scoring,
            sample(scoring, Draws(keys, 2)),
            lambda _, ids: stop.reason(ids),
            copies=2,
        )
        found = beam_search(model, batch, scoring, BeamSearch(2, 4, Length(6)))
        return [draft.ids for draft in drafts] + [h.ids for pool in found for h in pool]

    before = torch.get_rng_state(), random.getstate(), np.random.get_state()
    first = run()
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    assert before[2][0] == after[2][0]
    assert (before[2][1] == after[2][1]).all()
    assert before[2][2:] == after[2][2:]
    torch.manual_seed(99)
    random.seed(99)
    np.random.seed(99)
    assert run() == first
