"""Linear layers whose rows do not depend on each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from textgen.models.layers.attention import linear, row_stable

Product = Callable[[Tensor], Tensor]
MakeProduct = Callable[[Tensor, Tensor | None], Product]  # of a matrix (out, in) and a bias (out,)


class Linear(nn.Linear):
    """A linear layer, its matrix stored `(out, in)`."""

    product: Product | None = None

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias) if self.product is None else self.product(input)

    def pack(self, make: MakeProduct) -> None:
        """Compute by a product in another precision from now on; the parameters go."""
        self.product = make(self.weight, self.bias)
        self.weight = self.bias = None  # type: ignore[assignment]


class Conv1D(nn.Module):
    """A linear layer whose matrix is stored `(in, out)`, as OpenAI's code had it."""

    product: Product | None = None

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        if self.product is not None:
            return self.product(x)
        return row_stable(lambda rows: torch.addmm(self.bias, rows, self.weight), x)

    def pack(self, make: MakeProduct) -> None:
        """Compute by a product in another precision from now on; the parameters go."""
        self.product = make(self.weight.t(), self.bias)
        self.weight = self.bias = None  # type: ignore[assignment]


def pack_parts(module: nn.Module, make: MakeProduct) -> None:
    """Let the parts of a module compute by products in another precision, as far as they can."""
    for part in module.children():
        pack = getattr(part, "pack", None)
        if pack is None:
            pack_parts(part, make)
        else:
            pack(make)
