"""Rows of different lengths as one tensor, padded on the right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.models.layers.attention import padded_length
from textgen.models.views import Ids


def padded(rows: Sequence[Sequence[int]], width: int | None = None, *, filler: int = 0) -> Tensor:
    """Rows of ids `(rows, width)`, by default as wide as the longest.

    Args:
        rows: The rows.
        width: The length of the rows of the tensor.
        filler: What stands behind the ends.
    """
    width = max(map(len, rows)) if width is None else width
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows])


def read_together(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows as a network reads them, so wide that a row's numbers do not depend on the others.

    Returns:
        The ids `(rows, padded length)`, and how many of each row count, `(rows,)`.
    """
    lengths = [len(row) for row in rows]
    return padded(rows, padded_length(max(lengths))), torch.tensor(lengths)


def behind_start(sources: Sequence[Ids], start: int) -> list[Ids]:
    """Sources without the start symbol that they begin with, for networks that do not read it.

    They are to be padded as if they had it: of sources that are read together some may lack it, and the
    width of a row must not depend on the others.
    """
    return [source[1:] if source and source[0] == start else source for source in sources]
