"""Linear layers whose rows do not depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from textgen.models.layers.activations import Activations
from textgen.models.layers.attention import linear, row_stable
from textgen.models.layers.rows import Matrix, OfRows, dense

Product = Callable[[Tensor], Tensor]
MakeProduct = Callable[[Matrix, Tensor | None, Activations], Product]  # a matrix (out, in), a bias (out,)


@runtime_checkable
class Packable(Protocol):
    """A part of a network that can multiply in another precision than that of its parameters."""

    def pack(self, make: MakeProduct) -> None:
        """Multiply by products that `make` makes from now on; the matrices that only they need go."""


class Linear(OfRows, nn.Linear):
    """A linear layer, its matrix stored `(out, in)`.

    Attributes:
        activations: What it multiplies.
    """

    activations = Activations.EVEN
    product: Product | None = None

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias) if self.product is None else self.product(input)

    def pack(self, make: MakeProduct) -> None:
        """See `Packable`."""
        self.product = make(self.matrix, self.bias, self.activations)
        release(self)


class TiedEmbedding(OfRows, nn.Embedding):
    """An embedding whose matrix is that of the head, too."""


class Conv1D(OfRows, nn.Module):
    """A linear layer whose matrix is stored `(in, out)`, as OpenAI's code had it."""

    product: Product | None = None

    def __init__(self, inputs: int, outputs: int, activations: Activations = Activations.EVEN) -> None:
        super().__init__()
        self.activations = activations
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        if self.product is not None:
            return self.product(x)
        return row_stable(lambda rows: torch.addmm(self.bias, rows, self.weight), x)

    def pack(self, make: MakeProduct) -> None:
        """See `Packable`."""
        # its rows are inputs, so they are rounded again
        self.product = make(dense(self.matrix).t(), self.bias, self.activations)
        release(self)


def release(layer: Linear | Conv1D) -> None:
    """Let go of the parameters of a layer whose product has them."""
    layer.weight = layer.bias = None  # type: ignore[assignment]
    layer.rows = None


def pack_parts(module: nn.Module, make: MakeProduct) -> None:
    """Let the parts of a module multiply in another precision, as far as they can."""
    for part in module.children():
        if isinstance(part, Packable):
            part.pack(make)
        else:
            pack_parts(part, make)
