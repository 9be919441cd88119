"""Confidence intervals of metrics and the comparison of two systems, by resampling rows.

The percentile bootstrap, and the paired one of two systems: Efron & Tibshirani 1993, "An Introduction to the
Bootstrap"; Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation". Rows are drawn as
counts, and counts times sufficient statistics are the statistics of a resample: no text is looked at again.
Intervals of few rows are too narrow.

The paired test by sign flips: Fisher 1935, "The Design of Experiments", section 21; Noreen 1989,
"Computer-Intensive Methods for Testing Hypotheses": approximate randomisation. If the systems are alike,
either of a row's two texts could have been either system's: so the systems change places in rows, and the
metric is computed again, that of a whole corpus, too. Of few rows all ways are tried, and p is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.metrics.statistics import Statistics

RESAMPLES = 1000
COVERAGE = 0.95
DECIMALS, P_DECIMALS = 2, 4  # of reports
EXACT = 12  # most rows of which all flips are tried, 2,048 of them: the opposite of each tells the same
ROUNDING = 1e-9  # differences that differ by so little, relatively, only differ by rounding
DRAWS = 1 << 22  # of rows at a time; bounds the memory


@dataclass(frozen=True)
class Interval:
    """Between which values the middle 95 % of the resamples lie."""

    low: float
    high: float

    def rounded(self) -> list[float]:
        """Both ends, rounded as reports are."""
        return [round(self.low, DECIMALS), round(self.high, DECIMALS)]


@dataclass(frozen=True)
class Comparison:
    """One system against another on the same rows.

    Attributes:
        difference: Ours less theirs.
        interval: Of the difference.
        p: How often a difference as large, in either direction, would come from chance if the systems were
            alike; see `sign_flip_p`.
    """

    difference: float
    interval: Interval
    p: float

    def to_dict(self) -> dict[str, float]:
        """A JSON-ready dictionary, rounded as reports are."""
        low, high = self.interval.rounded()
        difference = round(self.difference, DECIMALS)
        return {"difference": difference, "low": low, "high": high, "p": round(self.p, P_DECIMALS)}


def intervals(
    metrics: Sequence[Statistics], *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """The intervals of metrics of the same rows, by name; none for a metric that is undefined."""
    found = {}
    for metric, values in zip(metrics, _resampled(metrics, seed, resamples), strict=True):
        known = [value for value in values if value is not None]
        if metric.value is not None and known:
            found[metric.name] = _interval(known)
    return found


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
    pairs = [(a, b) for a in ours for b in theirs if a.name == b.name]
    left = _resampled([a for a, _ in pairs], seed, resamples)
    right = _resampled([b for _, b in pairs], seed, resamples)
    found = {}
    for (a, b), our_values, their_values in zip(pairs, left, right, strict=True):
        both = zip(our_values, their_values, strict=True)
        differences = [x - y for x, y in both if x is not None and y is not None]
        if a.value is not None and b.value is not None and differences:
            p = sign_flip_p(a, b, seed=seed, flips=resamples)
            found[a.name] = Comparison(a.value - b.value, _interval(differences), p)
    return found


def _interval(values: Sequence[float]) -> Interval:
    tail = (1 - COVERAGE) / 2
    ends = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    low, high = torch.tensor(values, dtype=torch.float64).quantile(ends).tolist()
    return Interval(low, high)


def _resampled(metrics: Sequence[Statistics], seed: int, resamples: int) -> list[list[float | None]]:
    """The values of every metric in the resamples, which are the same for all metrics of a seed."""
    if not metrics:
        return []
    tables = [torch.tensor(metric.counts, dtype=torch.float64) for metric in metrics]
    sums = [[some @ table for table in tables] for some in _weights(len(tables[0]), seed, resamples)]
    return [
        [metric.score(row) for row in torch.cat(found).tolist()]
        for metric, found in zip(metrics, zip(*sums, strict=True), strict=True)
    ]


def _weights(rows: int, seed: int, resamples: int) -> Iterator[Tensor]:
    """The number of times that every row is drawn, `(some resamples, rows)`, float64, for all resamples."""
    for numbers in _drawn(rows, rows, resamples, seed):
        ones = torch.ones(numbers.shape, dtype=torch.float64)
        yield torch.zeros(numbers.shape, dtype=torch.float64).scatter_add_(1, numbers, ones)


def sign_flip_p(ours: Statistics, theirs: Statistics, *, seed: int = 0, flips: int = 1000) -> float:
    """The share of flips that make a difference at least as large, in either direction.

    Args:
        ours: A metric of the one system.
        theirs: The same metric of the other, on the same rows.
        seed: Of the flips that are drawn, of more than `EXACT` rows.
        flips: How many are drawn.

    Returns:
        p; of `EXACT` rows or fewer exact, at least 1 / 2**(rows - 1), else (1 + as large) / (1 + flips).
        Flips under which the metric is undefined are left out.
    """
    left = torch.tensor(ours.counts, dtype=torch.float64)
    right = torch.tensor(theirs.counts, dtype=torch.float64)
    rows = len(left)
    exact = rows <= EXACT
    as_large = tried = 0
    observed = _difference(ours, left.sum(0), right.sum(0))
    assert observed is not None  # both have a value
    for kept in _all_flips(rows) if exact else _drawn(2, rows, flips, seed):
        kept = kept.double()
        lefts = kept @ left + (1 - kept) @ right
        for one, other in zip(lefts, left.sum(0) + right.sum(0) - lefts, strict=True):
            difference = _difference(ours, one, other)
            if difference is not None:
                tried += 1
                as_large += abs(difference) >= abs(observed) * (1 - ROUNDING) - ROUNDING
    return as_large / tried if exact else (as_large + 1) / (tried + 1)


def _difference(statistics: Statistics, one: Tensor, other: Tensor) -> float | None:
    ours, theirs = statistics.score(one.tolist()), statistics.score(other.tolist())
    return None if ours is None or theirs is None else ours - theirs


def _all_flips(rows: int) -> Iterator[Tensor]:
    """All ways to keep rows `(ways, rows)`, 1 for kept, 0 for flipped; the first row is always kept."""
    ways = torch.arange(1 << (rows - 1))[:, None]
    places = torch.arange(rows - 1)
    kept = 1 - (ways >> places & 1)
    yield torch.cat([torch.ones(len(ways), 1), kept], 1)


def _drawn(values: int, rows: int, times: int, seed: int) -> Iterator[Tensor]:
    """Random integers below `values`, `(draws, rows)`, some draws at a time."""
    generator = torch.Generator().manual_seed(seed)
    most = max(1, DRAWS // rows)
    for done in range(0, times, most):
        yield torch.randint(values, (min(most, times - done), rows), generator=generator)
