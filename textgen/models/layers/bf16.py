"""Matrix products in bfloat16, summed in float32 and rounded to bfloat16 once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from textgen.models.layers.activations import Activations
from textgen.models.layers.attention import row_stable
from textgen.models.layers.rows import Matrix, dense


class Bf16Product:
    """`x @ weight.T + bias` with weights and activations in bfloat16.

    Args:
        weight: `(out, in)`.
        bias: `(out,)`, added in float32; or None.
        activations: What is multiplied; all are rounded alike.
    """

    def __init__(
        self, weight: Matrix, bias: Tensor | None = None, activations: Activations = Activations.EVEN
    ) -> None:
        self.weight, self.bias = dense(weight).bfloat16().contiguous(), bias

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply the last axis of `x`."""
        product = row_stable(lambda rows: functional.linear(rows.bfloat16(), self.weight).float(), x)
        return product if self.bias is None else product + self.bias


def bf16_problem() -> str | None:
    """The reason why this machine multiplies no faster in bfloat16 than in float32; None if it does."""
    if torch.cpu._is_avx512_bf16_supported():
        return None
    return "the processor has no instructions for bfloat16"
