"""Linear layers whose rows do not depend on each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textgen.models.layers.attention import linear, row_stable


class Linear(nn.Linear):
    """A linear layer, its matrix stored `(out, in)`."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


class Conv1D(nn.Module):
    """A linear layer whose matrix is stored `(in, out)`, as OpenAI's code had it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return row_stable(lambda rows: torch.addmm(self.bias, rows, self.weight), x)
