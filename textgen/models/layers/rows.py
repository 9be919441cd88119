"""Matrices as they are stored: int8 rows, each with a scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Rows(NamedTuple):
    """The matrix `numbers * scales[:, None]`.

    Attributes:
        numbers: `(rows, columns)`, int8.
        scales: `(rows,)`, floating point.
    """

    numbers: Tensor
    scales: Tensor

    @property
    def shape(self) -> torch.Size:
        """That of the matrix."""
        return self.numbers.shape

    def dense(self) -> Tensor:
        """The matrix in float32."""
        return self.numbers.float().mul_(self.scales.float()[:, None])


Matrix = Tensor | Rows


class OfRows:
    """A layer that may know its `weight` in the rows that it is stored in.

    Attributes:
        weight: The parameter; None where only a product needs the matrix, which is made of `rows`.
        rows: The matrix; None where it is not stored so.
    """

    weight: Tensor
    rows: Rows | None = None

    @property
    def matrix(self) -> Matrix:
        """What a product of the layer is to be made of."""
        return self.weight if self.rows is None else self.rows


def dense(matrix: Matrix) -> Tensor:
    """A matrix in floating point."""
    return matrix.dense() if isinstance(matrix, Rows) else matrix


def stacked(matrices: Sequence[Matrix]) -> Matrix:
    """One matrix, the rows of one under those of the other."""
    rows = [matrix for matrix in matrices if isinstance(matrix, Rows)]
    if len(rows) < len(matrices):
        return torch.cat([dense(matrix) for matrix in matrices])
    return Rows(torch.cat([one.numbers for one in rows]), torch.cat([one.scales for one in rows]))
