"""Int8 matrix products in which every row of activations has a scale of its own.

A row is divided by its largest absolute value, multiplied with the int8 matrix as numbers of 7 or 8 bits,
and scaled back. The sums are of integers, so they are exact: no row depends on another, and 64 rows
together are each row alone, bit for bit, on any number of threads.

The kernel is torch's (FBGEMM). It adds pairs of products in 16 bits unless the processor has VNNI, where
8-bit activations would saturate in silence: there activations have 7 bits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from textgen.models.layers.activations import Activations
from textgen.models.layers.rows import Matrix, Rows

ENGINE = "x86"
EIGHT_BITS, SEVEN_BITS = 127, 63  # largest absolute values
AFTER_GELU_BELOW = 18  # levels below zero, of 127
SMALLEST_SCALE = 1e-30  # of a row of zeros, which is divided by it
OPERATOR = "linear_with_input_q_dq_qweight_dq_output_fp32"


class Int8Product:
    """`x @ weight.T + bias` in int8, the weights with one scale per output.

    Args:
        weight: `(out, in)`; rows of int8 are taken as they are, with their scales.
        bias: `(out,)`, or None.
        activations: What is multiplied. With 7 bits, numbers after GELU, which hardly lie below zero, have
            most of the levels above it, and where a few columns are far larger than the others, what
            rounding lost is multiplied, too.
        levels: Largest absolute value of an activation; by default what the processor computes exactly.
    """

    def __init__(
        self,
        weight: Matrix,
        bias: Tensor | None = None,
        activations: Activations = Activations.EVEN,
        *,
        levels: int | None = None,
    ) -> None:
        numbers, scales = weight if isinstance(weight, Rows) else rounded(weight)
        self.outputs, self.inputs = weight.shape
        self.bias = bias
        self.levels = activation_levels() if levels is None else levels
        few = self.levels < EIGHT_BITS
        self._below = AFTER_GELU_BELOW if few and activations is Activations.AFTER_GELU else self.levels
        self._twice = few and activations is Activations.OUTLIERS
        self._packed = _pack(numbers, scales.double().clamp_min(SMALLEST_SCALE))
        self._operator = _operator(OPERATOR)

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply the last axis of `x`."""
        rows = x.reshape(-1, self.inputs)
        if self._twice:
            product, scale = self._in_two_parts(rows)
        else:
            product, scale = self._rounded(rows)
        scaled = product.mul_(scale) if self.bias is None else torch.addcmul(self.bias, product, scale)
        return scaled.view(*x.shape[:-1], self.outputs)

    def _rounded(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The product of the rows, each divided by its scale; and the scales."""
        if self._below == self.levels:
            scale = rows.abs().amax(-1, keepdim=True).clamp_min_(SMALLEST_SCALE)
        else:
            low, high = rows.aminmax(dim=-1, keepdim=True)
            scale = torch.maximum(high, low * (-self._above / self._below)).clamp_min_(SMALLEST_SCALE)
        return self._multiply(rows / scale, 1 / self._above), scale

    def _in_two_parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Like `_rounded`, with what rounding leaves of each number rounded, too."""
        scale = rows.abs().amax(-1, keepdim=True).clamp_min_(SMALLEST_SCALE)
        numbers = (rows / scale).mul_(self.levels)
        first = numbers.round()
        rest = (numbers - first).mul_(2 * self.levels)  # a half at most, so it has as many levels
        product, left = self._multiply(torch.cat([first, rest]), 1.0).chunk(2)
        return product.add_(left, alpha=1 / (2 * self.levels)).div_(self.levels), scale

    @property
    def _above(self) -> int:
        """The largest number of an activation; all of them with zero are `2 * levels + 1`."""
        return 2 * self.levels - self._below

    def _multiply(self, x: Tensor, scale: float) -> Tensor:
        return self._operator(x, scale, self._below + 1, self._packed)


@cache
def _operator(name: str) -> Callable[..., Tensor]:
    operator = getattr(torch.ops.quantized, name).default
    # without the checks of its arguments that torch makes in Python, a tenth of a small product
    bare: Callable[..., Tensor] = vars(operator).get("_op", operator)
    return bare


def rounded(weight: Tensor) -> Rows:
    """The matrix with the largest of each row at 127."""
    scales = weight.abs().amax(1).clamp_min_(SMALLEST_SCALE) / EIGHT_BITS
    return Rows((weight / scales[:, None]).round_().to(torch.int8), scales)


@cache
def activation_levels() -> int:
    """The largest absolute value of an activation that cannot saturate on this processor."""
    return EIGHT_BITS if torch.cpu._is_vnni_supported() else SEVEN_BITS


@cache
def int8_problem() -> str | None:
    """The reason why this machine cannot multiply in int8; None if it can."""
    if ENGINE not in torch.backends.quantized.supported_engines:
        return f"torch has no quantized engine {ENGINE} on this processor"
    if not torch.cpu._is_avx2_supported():
        return "the processor has no AVX2"
    try:
        found = Int8Product(torch.ones(1, 512))(torch.ones(1, 512))
    except (AttributeError, RuntimeError) as error:
        return f"torch {torch.__version__} does not multiply in int8: {error}"
    # values of one sign show a sum that saturates
    return None if abs(float(found) / 512 - 1) < 0.01 else "int8 products saturate on this processor"


def _pack(numbers: Tensor, scales: Tensor) -> torch.ScriptObject:
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = ENGINE  # the packing goes by the engine of the process
    try:
        with warnings.catch_warnings():
            # torch is to drop the making of quantized tensors some day; `int8_problem` will say so
            warnings.simplefilter("ignore")
            weight = torch._make_per_channel_quantized_tensor(
                numbers, scales, torch.zeros(len(scales), dtype=torch.long), 0
            )
            packed: torch.ScriptObject = torch.ops.quantized.linear_prepack(weight, None)
    finally:
        torch.backends.quantized.engine = before
    return packed
