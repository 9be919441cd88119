"""Confidence intervals: the percentile bootstrap over rows, and the paired one of two systems.

Efron & Tibshirani 1993, "An Introduction to the Bootstrap"; Koehn 2004, "Statistical Significance Tests for
Machine Translation Evaluation". Rows are drawn as counts, and counts times sufficient statistics are the
statistics of a resample: no text is looked at again. Intervals of few rows are too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.metrics.flips import drawn, sign_flip_p
from textgen.metrics.statistics import Statistics

RESAMPLES = 1000
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """Between which values the middle 95 % of the resamples lie."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One system against another on the same rows.

    Attributes:
        difference: Ours less theirs.
        interval: Of the difference.
        p: How often a difference as large, in either direction, would come from chance if the systems were
            alike; see `textgen.metrics.flips`.
    """

    difference: float
    interval: Interval
    p: float


def intervals(
    metrics: Sequence[Statistics], *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """The intervals of metrics of the same rows, by name; none for a metric that is undefined."""
    resampled = _resampled(metrics, seed, resamples)
    known = {metric.name: [value for value in values if value is not None] for metric, values in resampled}
    return {
        metric.name: _interval(known[metric.name])
        for metric in metrics
        if metric.value is not None and known[metric.name]
    }


def compare(
    ours: Sequence[Statistics], theirs: Sequence[Statistics], *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Comparison]:
    """Compare two systems on the same rows, both resampled alike.

    Args:
        ours: Metrics of the one.
        theirs: Metrics of the other; compared are those that both have.
        seed: Of the resampling.
        resamples: How many; of many rows also how many sign flips.

    Returns:
        By the metric's name; a metric that is undefined for one of them is left out.
    """
    pairs = [
        (a, b)
        for a in ours
        for b in theirs
        if a.name == b.name and a.value is not None and b.value is not None
    ]
    left = _resampled([a for a, _ in pairs], seed, resamples)
    right = _resampled([b for _, b in pairs], seed, resamples)
    found = {}
    for (a, our_values), (b, their_values) in zip(left, right, strict=True):
        differences = [
            x - y for x, y in zip(our_values, their_values, strict=True) if x is not None and y is not None
        ]
        if a.value is not None and b.value is not None and differences:
            p = sign_flip_p(a, b, seed=seed, flips=resamples)
            found[a.name] = Comparison(a.value - b.value, _interval(differences), p)
    return found


def _interval(values: Sequence[float]) -> Interval:
    tail = (1 - COVERAGE) / 2
    ends = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    low, high = torch.tensor(values, dtype=torch.float64).quantile(ends).tolist()
    return Interval(low, high)


def _resampled(
    metrics: Sequence[Statistics], seed: int, resamples: int
) -> list[tuple[Statistics, list[float | None]]]:
    """Every metric with its values in the resamples, which are the same for all metrics of a seed."""
    if not metrics:
        return []
    counts = [torch.tensor(metric.counts, dtype=torch.float64) for metric in metrics]
    sums: list[list[Tensor]] = [[] for _ in metrics]
    for weights in _weights(len(metrics[0].counts), seed, resamples):
        for found, table in zip(sums, counts, strict=True):
            found.append(weights @ table)
    return [
        (metric, [metric.score(row) for row in torch.cat(found).tolist()])
        for metric, found in zip(metrics, sums, strict=True)
    ]


def _weights(rows: int, seed: int, resamples: int) -> Iterator[Tensor]:
    """How often every row is drawn, `(some resamples, rows)`, float64, until there are so many resamples."""
    for numbers in drawn(rows, rows, resamples, seed):
        ones = torch.ones(numbers.shape, dtype=torch.float64)
        yield torch.zeros(numbers.shape, dtype=torch.float64).scatter_add_(1, numbers, ones)
