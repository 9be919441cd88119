"""A metric's value is that of its counts."""

from __future__ import annotations

from textgen.metrics.statistics import mean, ratio


def test_a_mean_leaves_out_rows_without_a_value() -> None:
    assert mean("m", [1.0, None, 0.5]).value == 75
    assert mean("m", [None]).value is None
    assert mean("m", []).value is None


def test_a_ratio_is_of_the_sums() -> None:
    statistics = ratio("r", [(1, 2), (0, 0), (1, 6)])
    assert statistics.value == 25
    assert statistics.at([0, 1]).value == 50
    assert statistics.at([1]).value is None
    assert ratio("r", [(1, 2)], scale=1).value == 0.5
