"""Diagnostics of Markov chains: acceptance, effective sample size, split R-hat, autocorrelation.

Gelman et al. 2013, Bayesian Data Analysis, 11.4 and 11.5: split R-hat, effective sample size; Geyer 1992,
https://doi.org/10.1214/ss/1177011137, and Vehtari et al. 2021, https://arxiv.org/abs/1903.08008: where the
sum of autocorrelations ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, variance

import numpy as np
from numpy.typing import NDArray

Series = Sequence[float]
FEWEST = 8  # draws of a chain for an effective sample size


@dataclass
class Moves:
    """Counts of the proposals of a chain.

    Attributes:
        proposed: How many, by kind of move.
        accepted: How many of them were made.
        novel: How many steps led to another text.
        steps: How many steps there were.
    """

    proposed: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    novel: int = 0
    steps: int = 0

    def count(self, move: str, *, accepted: bool, changed: bool) -> None:
        """Count one step."""
        self.proposed[move] = self.proposed.get(move, 0) + 1
        self.accepted[move] = self.accepted.get(move, 0) + accepted
        self.novel += changed
        self.steps += 1

    @property
    def acceptance(self) -> dict[str, float]:
        """Share of the proposals that were accepted, by kind of move."""
        return {move: self.accepted[move] / proposed for move, proposed in sorted(self.proposed.items())}

    @property
    def novelty(self) -> float:
        """Share of the steps that led to another text; acceptance also counts proposals of what is there."""
        return self.novel / self.steps if self.steps else 0.0


def split_rhat(chains: Sequence[Series]) -> float | None:
    """Potential scale reduction of the halves of the chains: 1 where they all agree.

    Args:
        chains: One series a chain; all are cut to the length of the shortest.

    Returns:
        None if a half has fewer than two values, or nothing varies within any.
    """
    halves = _halves(chains)
    if len(halves) < 2 or len(halves[0]) < 2:
        return None
    within = fmean(variance(half) for half in halves)
    if within <= 0:
        return None
    count = len(halves[0])
    between = count * variance(fmean(half) for half in halves)
    return float((((count - 1) * within + between) / count / within) ** 0.5)


def effective_sample_size(chains: Sequence[Series]) -> float | None:
    """The number of independent draws that would give the mean of the chains as precisely.

    Args:
        chains: One series a chain; all are cut to the length of the shortest, and halved as for R-hat.

    Returns:
        At most all values times log10 of their number, as `arviz.ess(…, method="mean")` gives it; None for
        series of fewer than `FEWEST` values, which are too few, and where `split_rhat` is None.
    """
    halves = _halves(chains)
    if min(map(len, chains), default=0) < FEWEST or split_rhat(chains) is None:
        return None
    values = np.array(halves)
    many, count = values.shape
    within = values.var(axis=1, ddof=1).mean()
    between = count * values.mean(axis=1).var(ddof=1)
    total = ((count - 1) * within + between) / count
    covariances = np.mean([_autocovariance(half) for half in values], axis=0)
    correlations = 1 - (within - covariances) / total
    correlations[0] = 1.0
    return float(many * count / max(_time(correlations), 1 / np.log10(many * count)))


def autocorrelation(series: Series, lags: int) -> list[float]:
    """Autocorrelations at lags 0 to `lags`, or as far as the series goes; none of a constant series."""
    covariance = _autocovariance(np.array(series, dtype=np.float64))
    if not len(covariance) or covariance[0] <= 0:
        return []
    return [float(value) for value in covariance[: lags + 1] / covariance[0]]


def _halves(chains: Sequence[Series]) -> list[Series]:
    length = min((len(chain) for chain in chains), default=0)
    half = length // 2
    return [part for chain in chains for part in (chain[:half], chain[length - half : length]) if half]


def _autocovariance(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """At every lag, divided by the length of the series."""
    centred = series - series.mean() if len(series) else series
    size = 2 * len(series)  # padded, so that nothing wraps around
    spectrum = np.fft.rfft(centred, size) if size else centred
    return np.fft.irfft(np.abs(spectrum) ** 2, size)[: len(series)] / len(series) if size else centred


def _time(correlations: NDArray[np.float64]) -> float:
    """Integrated autocorrelation time, summed over pairs of lags as far as arviz 0.23 sums them.

    The pairs are Geyer's initial monotone sequence: while they are positive, none above the one before.
    The last of them, which is the noisiest, gives only its even lag, once.
    """
    pairs = correlations[: len(correlations) // 2 * 2].reshape(-1, 2)
    sums = pairs.sum(1)
    last = 0
    while 2 * last + 1 < len(correlations) - 3 and sums[last] > 0:
        last += 1
    even = pairs[last, 0] if pairs[last, 0] > 0 or sums[last] >= 0 else 0.0
    return float(2 * np.minimum.accumulate(sums[:last]).sum() - 1 + even)
