"""The precision in which a network multiplies: chosen by the processor and by torch, never by timing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from textgen.errors import UsageError
from textgen.models.layers.bf16 import Bf16Product, bf16_problem
from textgen.models.layers.int8 import EIGHT_BITS, Int8Product, activation_levels, int8_problem
from textgen.models.layers.linear import MakeProduct, pack_parts
from textgen.models.place import CPU, CUDA

FP32, INT8, BF16, AUTO = "fp32", "int8", "bf16", "auto"


def _int8_problem() -> str | None:
    device = torch.get_default_device()
    return int8_problem() if device.type == CPU else f"it is for processors, and the device is {device}"


def _bf16_problem() -> str | None:
    if torch.get_default_device().type != CUDA:
        return bf16_problem()
    # of the GPUs of a cluster nothing is known here
    can = not torch.cuda.is_available() or torch.cuda.is_bf16_supported(including_emulation=False)
    return None if can else "the GPU has no instructions for bfloat16"


PROBLEMS: dict[str, Callable[[], str | None]] = {INT8: _int8_problem, BF16: _bf16_problem}
PRODUCTS: dict[str, MakeProduct] = {INT8: Int8Product, BF16: Bf16Product}


def choose_precision(asked: str = AUTO) -> str:
    """The precision to compute in: the one asked for.

    For `auto` it is int8 where the processor and torch can, bf16 on a GPU that can, else fp32.

    Raises:
        UsageError: The machine cannot compute in the one asked for.
    """
    if asked == AUTO and torch.get_default_device().type == CUDA:
        return FP32 if PROBLEMS[BF16]() else BF16
    if asked == AUTO:
        return FP32 if PROBLEMS[INT8]() else INT8
    if asked != FP32 and asked not in PRODUCTS:
        known = [AUTO, FP32, *PRODUCTS]
        raise UsageError("there is no precision {asked}", asked=asked, hint="one of: {known}", known=known)
    if asked in PROBLEMS and (problem := PROBLEMS[asked]()):
        hint = "{@precision} auto takes what the machine can do"
        raise UsageError("{@precision} {asked}: {problem}", asked=asked, problem=problem, hint=hint)
    return asked


def describe_auto() -> str:
    """The precision that `auto` is on this machine, and the reason."""
    if torch.get_default_device().type == CUDA:
        return f"{choose_precision()}: {PROBLEMS[BF16]() or 'the device is a GPU'}"
    if problem := PROBLEMS[INT8]():
        return f"{FP32}: {problem}"
    if activation_levels() < EIGHT_BITS:
        return f"{INT8}: activations of 7 bits (AVX2 without VNNI)"
    return f"{INT8}: activations of 8 bits (VNNI)"


def set_precision(network: nn.Module, precision: str) -> None:
    """Let a network in evaluation mode multiply in a precision from now on; its matrices go where they can.

    Args:
        network: In float32; normalisations, attention and look-ups stay so.
        precision: `fp32`, `bf16` or `int8`.
    """
    if precision != FP32:
        with torch.inference_mode():
            pack_parts(nn.ModuleList([network]), PRODUCTS[precision])
