"""A metric's value is that of its counts."""

from __future__ import annotations

from typing import Any

import pytest

from textgen.errors import DataError
from textgen.metrics import registry
from textgen.metrics.metric import Evaluated, Metric
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


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda rows: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda rows: mean("mine", [1.0]), "it has not one count for each row, or a name in use"),
        (lambda rows: mean("distinct-1", [1.0, 1.0]), "it has not one count for each row, or a name in use"),
    ],
)
def test_a_metric_of_another_package_that_fails_is_named(
    compute: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = registry.metrics() | {"mine": Metric("mine", compute)}
    monkeypatch.setattr(registry, "metrics", lambda: known)
    with pytest.raises(DataError) as caught:
        registry.statistics_of(Evaluated(["春天", "夏天"]))
    assert caught.value.message == f"the metric mine of another package: {reason}"
