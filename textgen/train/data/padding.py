"""Padding: rows of different lengths as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NO_TARGET = -1  # behind the end of what is to be predicted


def padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """`(rows, longest)`, filled up behind the ends."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])
