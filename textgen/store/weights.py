"""Weights on disk: safetensors, int8 by rows or floating point.

Row storage keeps a matrix as int8 `q` and one float16 scale a row beside it, `W = q * scale[:, None]`;
vectors are float16. Tied matrices are left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from textgen.errors import ModelError, UsageError
from textgen.files.atomic import utf8_name
from textgen.messages import Message
from textgen.models.layers.rows import Matrix, Rows, dense

SCALE = ".scale"
IN_HEADER = {"fp32": "fp32", "fp16": "fp16", "int8": "int8-rowwise"}
STORAGES = tuple(IN_HEADER)
LARGEST = 127  # of q; -128 is left out, so that q is as exact on either side of zero
SMALLEST_NORMAL = torch.finfo(torch.float16).smallest_normal
SPACING = 2.0**-24  # of the float16 numbers below


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file in float32. Raises as `read_stored`."""
    return {name: dense(tensor) for name, tensor in read_stored(path).items()}


def read_stored(path: Path) -> dict[str, Matrix]:
    """All tensors of a safetensors file: int8 matrices as rows, which are not read yet, others in float32.

    Raises:
        ModelError: The file is missing or broken, an int8 matrix lacks its scales or has none that can be, or
            a value is not finite.
    """
    try:
        with utf8_name(path) as name, safe_open(name, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        hint = "is the file whole?"
        raise ModelError("cannot read {path}: {error}", path=path, error=error, hint=hint) from None
    if problem := next(_problems(stored), None):
        raise ModelError("{path}: {problem}", path=path, problem=problem, hint="is the file whole?")
    return {
        name: Rows(tensor, stored[name + SCALE]) if name + SCALE in stored else tensor.float()
        for name, tensor in stored.items()
        if not name.endswith(SCALE)
    }


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
    return _with_sorted_metadata(save(stored, header))


def check_storage(storage: str) -> None:
    """Refuse a storage that there is not. Raises UsageError."""
    if storage not in STORAGES:
        hint = "one of: {known}"
        raise UsageError("{@storage} {name} is unknown", name=storage, known=STORAGES, hint=hint)


def _with_sorted_metadata(content: bytes) -> bytes:
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
            "{name} ({dtype}) cannot be stored: it would be read as rows of int8 and their scales",
            name=name,
            dtype=tensor.dtype,
            hint="names that end in .scale, and int8, are taken",
        )
    if not tensor.is_floating_point():
        return {name: _copied(tensor, tensor.dtype)}
    if storage == "int8" and tensor.dim() == 2 and min(tensor.shape) > 1:
        return _quantized(name, as_finite(name, _copied(tensor, torch.float32), tensor))
    dtype = torch.float32 if storage == "fp32" else torch.float16
    return {name: as_finite(name, _copied(tensor, dtype), tensor)}


def _copied(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy: safetensors stores no two tensors that share memory."""
    return tensor.to("cpu", dtype, copy=True).contiguous()


def as_finite(name: str, stored: Tensor, tensor: Tensor) -> Tensor:
    """What is stored of a tensor. Raises ModelError: a value of it, or of the tensor, is not finite."""
    if bool(stored.isfinite().all()):
        return stored
    if bool(tensor.isfinite().all()):
        raise ModelError(
            "{name} has values up to {most}, beyond {dtype}",
            name=name,
            most=f"{float(tensor.abs().max()):.4g}",
            dtype=str(stored.dtype).removeprefix("torch."),
            hint="fp32 holds most; did training diverge?",
        )
    raise ModelError("{name} has values that are not finite", name=name, hint="did training diverge?")


def _quantized(name: str, matrix: Tensor) -> dict[str, Tensor]:
    exact = matrix.abs().amax(1) / LARGEST
    # below its normal numbers float16 is coarse: rounded down, q would leave int8 and the row be clipped;
    # rounded up, no row of anything but zeros has a scale of zero
    coarse = torch.ceil(exact / SPACING) * SPACING
    scale = as_finite(name + SCALE, torch.where(exact < SMALLEST_NORMAL, coarse, exact).half(), exact)
    step = scale.float().masked_fill_(scale == 0, 1.0)
    # a scale that float16 rounded down makes 127.06 of the largest at most; the clamp only says so
    q = (matrix / step[:, None]).round_().clamp_(-LARGEST, LARGEST).to(torch.int8)
    return {name: q, name + SCALE: scale}


def _problems(stored: Mapping[str, Tensor]) -> Iterator[Message]:
    """Reasons why the tensors of a file cannot be read."""
    for name, tensor in stored.items():
        matrix = name.removesuffix(SCALE)
        other = stored.get(name + SCALE if matrix == name else matrix)
        if tensor.is_complex():
            yield Message("{name} holds complex numbers", name=name)
        elif tensor.is_floating_point() and tensor.numel() and not all_finite(tensor):
            yield Message("{name} has values that are not finite", name=name)
        elif matrix != name:
            if other is None or other.dtype != torch.int8:
                yield Message("{name} has no int8 matrix to scale", name=name)
        elif tensor.dtype == torch.int8:
            if other is None:
                yield Message("{name} is int8 but {name}.scale is missing", name=name)
            elif tensor.dim() != 2 or other.shape != tensor.shape[:1] or not other.is_floating_point():
                own, kind = f"{tuple(tensor.shape)}", str(other.dtype).removeprefix("torch.")
                template = "{name} is int8 {own}, {name}.scale {kind} {shape}, not one float a row"
                yield Message(template, name=name, own=own, kind=kind, shape=f"{tuple(other.shape)}")
            elif bool((other < 0).any()):
                yield Message("{name}.scale has negative scales", name=name)


def all_finite(tensor: Tensor) -> bool:
    """Whether no value of a tensor is infinite or NaN; it has at least one."""
    # the extremes are not finite if any value is not, and are found without a copy
    return all(map(math.isfinite, map(float, torch.aminmax(tensor.float()))))
