"""One uniform number a draw, by inversion of the cumulative distribution."""

from __future__ import annotations

import math

import pytest
import torch
from fakes import everything
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.choice.categorical import invert_cdf
from textgen.choice.filters import temperature
from textgen.choice.scoring import Scoring
from textgen.decoding.search.token_by_token import best, sample
from textgen.rng import Draws, row_key

LAST = math.nextafter(1.0, 0.0)
PROBS = torch.tensor([0.0, 0.3, 0.05, 0.0, 0.4, 0.2, 0.05, 0.0])
CHI_SQUARE_999 = {4: 18.47, 5: 20.52}  # the value exceeded once in a thousand, by degrees of freedom


def test_frequencies() -> None:
    draws = 100_000
    uniforms = torch.rand(draws, generator=torch.Generator().manual_seed(1), dtype=torch.float64).tolist()
    counts = invert_cdf(PROBS.expand(draws, -1), uniforms).bincount(minlength=8)
    assert (counts[PROBS == 0] == 0).all()
    possible = PROBS > 0
    wanted = draws * PROBS[possible].double()
    chi_square = float(((counts[possible] - wanted) ** 2 / wanted).sum())
    assert chi_square < CHI_SQUARE_999[4]


def test_evenly_spread_numbers_give_exact_shares() -> None:
    numbers = [(n + 0.5) / 1000 for n in range(1000)]
    counts = invert_cdf(PROBS.expand(1000, -1), numbers).bincount(minlength=8)
    assert counts.tolist() == [0, 300, 50, 0, 400, 200, 50, 0]


@pytest.mark.parametrize(
    ("uniform", "token"),
    [
        (0.0, 1),
        (math.nextafter(0.25, 0), 1),
        (0.25, 3),
        (math.nextafter(0.75, 0), 3),
        (0.75, 4),
        (LAST, 4),
    ],
)
def test_boundaries(uniform: float, token: int) -> None:
    """An id owns its interval with the lower end, without the upper."""
    probs = torch.tensor([[0.0, 0.25, 0.0, 0.5, 0.25, 0.0]])
    assert invert_cdf(probs, [uniform]).tolist() == [token]
    assert invert_cdf(8 * probs, [uniform]).tolist() == [token]  # rows need not sum to one


def test_every_row_has_its_number() -> None:
    probs = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    assert invert_cdf(probs, [0.6, 0.1, 0.99]).tolist() == [1, 1, 0]
    assert invert_cdf(probs.flip(0), [0.99, 0.1, 0.6]).tolist() == [0, 1, 1]


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.just(0.0), st.floats(0, 1, width=32)), min_size=1, max_size=20).filter(any),
    st.one_of(st.sampled_from([0.0, LAST, 5e-324]), st.floats(0, 1, exclude_max=True)),
)
def test_an_impossible_id_is_never_drawn(weights: list[float], uniform: float) -> None:
    token = int(invert_cdf(torch.tensor([weights]), [uniform]))
    assert token < len(weights)
    assert weights[token] > 0


def test_the_smallest_temperature_is_greedy() -> None:
    logits = torch.randn(200, 50, generator=torch.Generator().manual_seed(3))
    ids = torch.empty(200, 0, dtype=torch.long)
    cold = Scoring(everything(50), draw=[lambda ids, scores: temperature(scores, 1e-6)])
    warm = Scoring(everything(50))
    keys = [row_key(0, str(row)) for row in range(200)]
    _, search = cold(ids, logits)
    most = best(ids, search, range(200), 0)
    assert torch.equal(most, logits.argmax(-1))
    assert torch.equal(sample(cold, Draws(keys, 1))(ids, search, range(200), 0), most)
    assert not torch.equal(sample(warm, Draws(keys, 1))(ids, search, range(200), 0), most)
