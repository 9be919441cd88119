"""Intervals are what theory says, and the comparison knows a difference from chance."""

from __future__ import annotations

import random
from math import sqrt
from statistics import fmean, pstdev

import pytest
import torch

from textgen.metrics.resampling import RESAMPLES, Interval, _weights, compare, intervals
from textgen.metrics.statistics import Statistics, mean, ratio
from textgen.metrics.translation import bleu


def scores(count: int, seed: int, shift: float = 0.0) -> list[float]:
    generator = random.Random(seed)
    return [generator.betavariate(2, 5) + shift for _ in range(count)]


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    values = scores(400, seed=1)
    found = intervals([mean("m", values)], resamples=8000)["m"]
    half = 100 * 1.96 * pstdev(values) / sqrt(len(values))
    assert found.low == pytest.approx(100 * fmean(values) - half, abs=0.08 * half)
    assert found.high == pytest.approx(100 * fmean(values) + half, abs=0.08 * half)


def test_two_rows_are_drawn_in_all_ways() -> None:
    """Of 0 and 1 a resample is 0, 1/2 or 1, in one, two and one of four cases."""
    weights = torch.cat(list(_weights(2, 0, 4000)))
    shares = [float((weights[:, 0] == count).double().mean()) for count in range(3)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert intervals([mean("m", [0.0, 1.0])]) == {"m": Interval(0, 100)}


@pytest.mark.parametrize("rows", [1, 3, 5000])
def test_every_resample_has_as_many_rows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.metrics.resampling.DRAWS", 4000)
    weights = torch.cat(list(_weights(rows, 3, 7)))
    assert weights.shape == (7, rows)
    assert weights.sum(1).tolist() == [rows] * 7
    assert len({tuple(row) for row in weights.tolist()}) == 7 or rows < 5


def test_the_seed_decides_and_nothing_else_is_touched() -> None:
    statistics = mean("m", scores(30, seed=2))
    before = torch.get_rng_state()
    one, again, other = (intervals([statistics], seed=seed) for seed in (5, 5, 6))
    assert one == again != other
    assert torch.equal(torch.get_rng_state(), before)


def test_metrics_beside_it_change_no_interval() -> None:
    first, second = mean("a", scores(30, seed=2)), ratio("b", [(1, 2), (2, 2)] * 15)
    assert intervals([second, first])["a"] == intervals([first])["a"]


def test_a_corpus_metric_is_resampled_as_a_whole() -> None:
    """The interval of BLEU is that of sacrebleu's BLEU over the drawn rows."""
    hypotheses = ["天地人山水", "天人地山水", "山水天地", "人人人人人人"]
    references = ["天地人山水", "天地人山水", "山水人天地", "天地玄黄宇宙"]
    statistics = bleu(hypotheses, references)
    values = sorted(
        bleu(
            [hypotheses[row] for row in drawn],
            [references[row] for row in drawn],
        ).value
        or 0.0
        for weights in _weights(4, 0, 200)
        for drawn in ([n for n in range(4) for _ in range(int(row[n]))] for row in weights)
    )
    found = intervals([statistics], resamples=200)["bleu"]
    expected = torch.tensor(values, dtype=torch.float64).quantile(
        torch.tensor([0.025, 0.975], dtype=torch.float64)
    )
    assert [found.low, found.high] == pytest.approx(expected.tolist())
    assert found.low < (statistics.value or 0) < found.high


def test_undefined_values_are_left_out() -> None:
    rare = mean("rare", [1.0, None, None])  # a resample without the first row has no value
    assert intervals([rare])["rare"] == Interval(100, 100)
    assert intervals([mean("none", [None, None])]) == {}
    assert intervals([]) == {}


def test_a_difference_between_the_same_is_none() -> None:
    statistics = mean("m", scores(20, seed=1))
    found = compare([statistics], [statistics])["m"]
    assert (found.difference, found.interval, found.p) == (0, Interval(0, 0), 1)


def test_a_constant_difference_is_certain() -> None:
    values = scores(20, seed=1)
    better = [value + 0.02 for value in values]
    found = compare([mean("m", better)], [mean("m", values)])["m"]
    assert found.difference == pytest.approx(2)
    assert (found.interval.low, found.interval.high) == pytest.approx((2, 2))
    assert found.p == 1 / (RESAMPLES + 1)


def test_the_pairs_count_not_the_spread_of_the_rows() -> None:
    """Rows differ much, systems little but always alike: only a paired test can see it."""
    values = [0.0, 1.0] * 50
    better = [value + 0.01 + 0.001 * (row % 3) for row, value in enumerate(values)]
    found = compare([mean("m", better)], [mean("m", values)])["m"]
    assert found.interval.low > 0.9
    assert found.p < 0.01
    alone = intervals([mean("m", better)])["m"]
    assert alone.high - alone.low > 15


def test_the_other_way_round_is_the_opposite() -> None:
    a, b = mean("m", scores(25, seed=1)), mean("m", scores(25, seed=2))
    one, other = compare([a], [b])["m"], compare([b], [a])["m"]
    assert one.difference == -other.difference
    assert one.interval.low == pytest.approx(-other.interval.high)
    assert one.p == other.p


def test_the_interval_of_a_difference_is_that_of_the_normal_law() -> None:
    """100 differences of mean 1 and standard error 1/1.96."""
    spread = 10 / 1.96
    differences = [1 + spread * sign for sign in (1, -1) * 50]
    ours = ratio("m", [(difference, 1) for difference in differences], scale=1)
    found = compare([ours], [ratio("m", [(0, 1)] * 100, scale=1)], resamples=8000)["m"]
    assert found.difference == pytest.approx(1)
    assert found.p == pytest.approx(0.05, abs=0.012)
    assert found.interval.low == pytest.approx(0, abs=0.12)


def test_only_what_both_have_is_compared() -> None:
    a, b = mean("a", [1.0, 0.0]), mean("b", [1.0, 0.0])
    undefined = mean("b", [None, None])
    assert list(compare([a, b], [b])) == ["b"]
    assert compare([a, b], [undefined]) == {}


def test_columns_of_any_number() -> None:
    wide = Statistics("w", [(1, 2, 3), (3, 2, 1)], lambda sums: sums[0] + sums[2])
    assert intervals([wide])["w"] == Interval(8, 8)
