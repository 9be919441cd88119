"""Weights on disk: safetensors, int8 by rows or floating point.

Row storage keeps a matrix as int8 `q` and one float16 scale a row beside it, `W = q * scale[:, None]`;
vectors are float16. Tied matrices are left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from textgen.errors import ModelError, UsageError
from textgen.files.atomic import utf8_name

SCALE = ".scale"
STORAGES = ("fp32", "fp16", "int8")
IN_HEADER = {"fp32": "fp32", "fp16": "fp16", "int8": "int8-rowwise"}
LARGEST = 127  # of q; -128 is left out, so that q is as exact on either side of zero
SMALLEST_NORMAL = torch.finfo(torch.float16).smallest_normal
SPACING = 2.0**-24  # of the float16 numbers below


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file in float32, rows dequantised.

    Raises:
        ModelError: The file is missing or broken, an int8 matrix lacks its scales or has none that can be, or
            a value is not finite.
    """
    try:
        with utf8_name(path) as name, safe_open(name, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}", hint="is the file whole?") from None
    for name in stored:
        if (
            name.endswith(SCALE)
            and getattr(stored.get(name.removesuffix(SCALE)), "dtype", None) != torch.int8
        ):
            raise ModelError(f"{path}: {name} has no int8 matrix to scale", hint="is the file whole?")
    return {name: _dense(name, stored, path) for name in stored if not name.endswith(SCALE)}


def pack_weights(
    tensors: Mapping[str, Tensor], storage: str, metadata: Mapping[str, str] | None = None
) -> bytes:
    """The content of a file that `read_weights` reads.

    What is read from int8 and written as int8 again is the same to the bit, scales too, as long as the
    largest q of each row is 127. It is in all that is written here, but for rows whose scale lies below the
    normal numbers of float16 (no weight above 0.0077): there q and scale may differ by a step.

    Args:
        tensors: By name. Other than floating point (a counter, say) they are stored as they are.
        storage: `fp32`, `fp16` or `int8`.
        metadata: More for the header, such as the model's kind.

    Raises:
        UsageError: There is no such storage.
        ModelError: A value is not finite, or beyond float16; or a tensor is called as scales are, or is
            int8 already, and would be read as something else.
    """
    check_storage(storage)
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        stored |= _stored(name, tensor.detach(), storage)
    header = {"format": "pt", "storage": IN_HEADER[storage], **(metadata or {})}
    # not save_file, whose files are for the owner's eyes only
    return _settled(save(stored, header))


def check_storage(storage: str) -> None:
    """Refuse a storage that there is not. Raises UsageError."""
    if storage not in STORAGES:
        raise UsageError(f"{{@storage}} {storage} is unknown", hint=f"one of: {', '.join(STORAGES)}")


def _settled(content: bytes) -> bytes:
    """The file with its metadata in order.

    safetensors shuffles it every time, and a model is known by the sha256 of its file.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[end:]


def _stored(name: str, tensor: Tensor, storage: str) -> dict[str, Tensor]:
    if name.endswith(SCALE) or tensor.dtype == torch.int8:
        raise ModelError(
            f"{name} ({tensor.dtype}) cannot be stored: it would be read as rows of int8 and their scales",
            hint=f"names that end in {SCALE}, and int8, are taken",
        )
    if not tensor.is_floating_point():
        return {name: _alone(tensor, tensor.dtype)}
    if storage == "int8" and tensor.dim() == 2 and min(tensor.shape) > 1:
        return _rows(name, _finite(name, _alone(tensor, torch.float32), tensor))
    dtype = torch.float32 if storage == "fp32" else torch.float16
    return {name: _finite(name, _alone(tensor, dtype), tensor)}


def _alone(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy: safetensors stores no two tensors that share memory."""
    return tensor.to("cpu", dtype, copy=True).contiguous()


def _finite(name: str, stored: Tensor, tensor: Tensor) -> Tensor:
    if bool(stored.isfinite().all()):
        return stored
    if bool(tensor.isfinite().all()):
        dtype = str(stored.dtype).removeprefix("torch.")
        raise ModelError(
            f"{name} has values up to {float(tensor.abs().max()):.4g}, beyond {dtype}",
            hint="fp32 holds most; did training diverge?",
        )
    raise ModelError(f"{name} has values that are not finite", hint="did training diverge?")


def _rows(name: str, matrix: Tensor) -> dict[str, Tensor]:
    exact = matrix.abs().amax(1) / LARGEST
    # below its normal numbers float16 is coarse: rounded down, q would leave int8 and the row be clipped;
    # rounded up, no row of anything but zeros has a scale of zero
    coarse = torch.ceil(exact / SPACING) * SPACING
    scale = _finite(name + SCALE, torch.where(exact < SMALLEST_NORMAL, coarse, exact).half(), exact)
    step = scale.float().masked_fill_(scale == 0, 1.0)
    # a scale that float16 rounded down makes 127.06 of the largest at most; the clamp only says so
    q = (matrix / step[:, None]).round_().clamp_(-LARGEST, LARGEST).to(torch.int8)
    return {name: q, name + SCALE: scale}


def _dense(name: str, stored: dict[str, Tensor], path: Path) -> Tensor:
    tensor = stored[name]
    if tensor.dtype != torch.int8:
        if tensor.is_complex():
            raise ModelError(f"{path}: {name} holds complex numbers", hint="weights are real numbers")
        return _all_finite(name, tensor.float(), path)
    scale = stored.get(name + SCALE)
    if scale is None:
        raise ModelError(f"{path}: {name} is int8 but {name}{SCALE} is missing", hint="is the file whole?")
    if tensor.dim() != 2 or scale.shape != tensor.shape[:1] or not scale.is_floating_point():
        raise ModelError(
            f"{path}: {name} is int8 {tuple(tensor.shape)}, {name}{SCALE} {_told(scale)}",
            hint="a matrix of int8 has one floating-point scale a row",
        )
    scale = _all_finite(name + SCALE, scale.float(), path)
    if bool((scale < 0).any()):
        raise ModelError(f"{path}: {name}{SCALE} has negative scales", hint="is the file whole?")
    return tensor.float().mul_(scale[:, None])


def _all_finite(name: str, tensor: Tensor, path: Path) -> Tensor:
    # the extremes are not finite if any value is not, and are found without a copy
    if tensor.numel() and not all(map(math.isfinite, map(float, torch.aminmax(tensor)))):
        raise ModelError(
            f"{path}: {name} has values that are not finite", hint="did training diverge, or the file break?"
        )
    return tensor


def _told(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
