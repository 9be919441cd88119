"""p is the share of all ways to let two systems change places, and right under the null."""

from __future__ import annotations

import random
from itertools import product

import pytest
import torch

from textgen.metrics.resampling import EXACT, sign_flip_p
from textgen.metrics.statistics import Statistics, mean
from textgen.metrics.translation import bleu, chrf


def scores(count: int, seed: int) -> list[float]:
    generator = random.Random(seed)
    return [generator.betavariate(2, 5) for _ in range(count)]


def test_six_rows_that_all_say_the_same_have_one_thirty_second() -> None:
    values = scores(6, seed=1)
    better = mean("m", [value + 0.1 + 0.01 * row for row, value in enumerate(values)])
    assert sign_flip_p(better, mean("m", values)) == 2 / 64
    assert sign_flip_p(mean("m", values), better) == 2 / 64
    assert sign_flip_p(better, better) == 1


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_of_few_rows_all_flips_are_counted(rows: int) -> None:
    left, right = scores(rows, seed=3), scores(rows, seed=4)
    differences = [a - b for a, b in zip(left, right, strict=True)]
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=rows)
    ]
    wanted = sum(value >= abs(sum(differences)) - 1e-12 for value in sums) / 2**rows
    assert sign_flip_p(mean("m", left), mean("m", right)) == wanted


@pytest.mark.parametrize("metric", [bleu, chrf])
def test_a_corpus_metric_is_computed_again_of_every_flip(metric) -> None:
    references = ["天地人山水", "天地人山水", "山水人天地", "天地玄黄宇宙"]
    ours = ["天地人山水", "天人地山水", "山水天地", "人人人人人人"]
    theirs = ["天地水山", "天地山水人", "山水人天地", "天地玄黄"]
    observed = abs(metric(ours, references).value - metric(theirs, references).value)
    found = []
    for kept in product((True, False), repeat=4):
        one = [a if keep else b for keep, a, b in zip(kept, ours, theirs, strict=True)]
        other = [b if keep else a for keep, a, b in zip(kept, ours, theirs, strict=True)]
        found.append(abs(metric(one, references).value - metric(other, references).value))
    wanted = sum(value >= observed - 1e-9 for value in found) / 16
    assert 0 < wanted < 1
    assert sign_flip_p(metric(ours, references), metric(theirs, references)) == wanted


def null_rate(rows: int, trials: int, **options: int) -> float:
    """How often p is below 0.05 where both systems are alike."""
    pairs = [(scores(rows, 2 * n), scores(rows, 2 * n + 1)) for n in range(trials)]
    return sum(sign_flip_p(mean("m", a), mean("m", b), **options) < 0.05 for a, b in pairs) / trials


@pytest.mark.parametrize("rows", [6, 20])
def test_under_the_null_one_in_twenty_is_below_five_percent(rows: int) -> None:
    """By a shifted bootstrap it was 0.148 of six rows."""
    assert null_rate(rows, 400, flips=100) < 0.085


def test_the_seed_decides_flips_of_many_rows_and_nothing_else_is_touched() -> None:
    a, b = mean("m", scores(EXACT + 8, 1)), mean("m", scores(EXACT + 8, 2))
    before = torch.get_rng_state()
    one, again, other = (sign_flip_p(a, b, seed=seed) for seed in (5, 5, 6))
    assert one == again != other
    assert torch.equal(torch.get_rng_state(), before)
    few = [mean("m", scores(EXACT, seed)) for seed in (1, 2)]
    assert sign_flip_p(*few, seed=5) == sign_flip_p(*few, seed=6)


def test_flips_that_leave_a_metric_undefined_do_not_count() -> None:
    """Of the two rows each system has a value in one; only half of the flips leave both one."""
    ours, theirs = mean("m", [1.0, None]), mean("m", [None, 0.0])
    assert sign_flip_p(ours, theirs) == 1.0
    wide = Statistics("w", [(1.0, 2.0), (3.0, 1.0)], lambda sums: sums[0] - sums[1])
    assert sign_flip_p(wide, wide) == 1.0
