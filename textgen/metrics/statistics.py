"""Sufficient statistics of metrics: counted row by row, they give the value over any set of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import fsum

PERCENT = 100.0
Counts = tuple[float, ...]


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of a metric.

    Attributes:
        name: The metric's name.
        counts: What was counted in each row, all of one length; zeros for a row that has no part in it.
        score: The value from the counts summed over rows; None where it is undefined.
    """

    name: str
    counts: list[Counts]
    score: Callable[[Sequence[float]], float | None]

    @property
    def value(self) -> float | None:
        """The value over all rows; None where it is undefined."""
        sums = [fsum(column) for column in zip(*self.counts, strict=True)]
        return self.score(sums) if sums else None

    def at(self, rows: Sequence[int]) -> Statistics:
        """The statistics of some of the rows."""
        return replace(self, counts=[self.counts[row] for row in rows])


def mean(name: str, values: Sequence[float | None]) -> Statistics:
    """Every row counts the same, in percent; a row without a value does not count."""
    return ratio(name, [(0.0, 0.0) if value is None else (value, 1.0) for value in values])


def ratio(name: str, parts: Sequence[tuple[float, float]], scale: float = PERCENT) -> Statistics:
    """The sum of (part, whole) over the rows, part by whole."""
    return Statistics(name, list(parts), lambda sums: scale * sums[0] / sums[1] if sums[1] else None)
