"""Rows that a network tells from left to right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.models.gpt2 import Gpt2
from textgen.train.objective import Prediction

NO_TARGET = -1


def padded_rows(rows: Sequence[Sequence[int]]) -> Tensor:
    """`(rows, longest)`, -1 behind the end."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[NO_TARGET] * (longest - len(row))] for row in rows])


def told_from_the_left(network: Gpt2, rows: Tensor) -> Prediction:
    """What a network says of every piece but the first."""
    targets = rows[:, 1:]
    known = targets != NO_TARGET
    return Prediction(network(rows[:, :-1].clamp(min=0))[known], targets[known])
