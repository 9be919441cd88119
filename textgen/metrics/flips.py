"""A paired test of two systems by sign flips.

Fisher 1935, "The Design of Experiments", section 21; Noreen 1989, "Computer-Intensive Methods for Testing
Hypotheses": approximate randomisation. If the systems are alike, either of a row's two texts could have been
either system's: so the systems change places in rows, and the metric is computed again, that of a whole
corpus, too. Of few rows all ways are tried, and p is exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from textgen.metrics.statistics import Statistics

EXACT = 12  # most rows of which all flips are tried, 2,048 of them: the opposite of each tells the same
NEAR = 1e-9  # differences that differ by so little, relatively, only differ by rounding
DRAWS = 1 << 22  # of rows at a time; bounds the memory


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
    for kept in _every(rows) if exact else drawn(2, rows, flips, seed):
        kept = kept.double()
        lefts = kept @ left + (1 - kept) @ right
        for one, other in zip(lefts, left.sum(0) + right.sum(0) - lefts, strict=True):
            difference = _difference(ours, one, other)
            if difference is not None:
                tried += 1
                as_large += abs(difference) >= abs(observed) * (1 - NEAR) - NEAR
    return as_large / tried if exact else (as_large + 1) / (tried + 1)


def _difference(statistics: Statistics, one: Tensor, other: Tensor) -> float | None:
    ours, theirs = statistics.score(one.tolist()), statistics.score(other.tolist())
    return None if ours is None or theirs is None else ours - theirs


def _every(rows: int) -> Iterator[Tensor]:
    """All ways to keep rows `(ways, rows)`, 1 for kept, 0 for flipped; the first row is always kept."""
    ways = torch.arange(1 << (rows - 1))[:, None]
    places = torch.arange(rows - 1)
    kept = 1 - (ways >> places & 1)
    yield torch.cat([torch.ones(len(ways), 1), kept], 1)


def drawn(values: int, rows: int, times: int, seed: int) -> Iterator[Tensor]:
    """Random integers below `values`, `(draws, rows)`, some draws at a time."""
    generator = torch.Generator().manual_seed(seed)
    most = max(1, DRAWS // rows)
    for done in range(0, times, most):
        yield torch.randint(values, (min(most, times - done), rows), generator=generator)
