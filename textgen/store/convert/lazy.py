"""Tensors that are read when they are written: no checkpoint is in memory as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from textgen.errors import ModelError
from textgen.files.atomic import sync
from textgen.store.weights import all_finite

IN_HEADER = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
ALIGNMENT = 8  # the tensors of a file begin at a multiple


@dataclass(frozen=True)
class LazyTensor:
    """A tensor of a checkpoint, which is read each time it is asked for.

    Attributes:
        shape: Its shape.
        dtype: Its type.
        read: Reads it. Raises ModelError if the file is broken.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor]

    @property
    def size(self) -> int:
        """Its bytes."""
        return prod(self.shape) * self.dtype.itemsize

    def transposed(self) -> LazyTensor:
        """The matrix with rows for columns."""
        return LazyTensor(self.shape[::-1], self.dtype, lambda: self.read().t())

    def single(self) -> LazyTensor:
        """The tensor in single precision, if it has double: some checkpoints hold what numpy averaged."""
        if self.dtype != torch.float64:
            return self
        return LazyTensor(self.shape, torch.float32, lambda: self.read().float())

    def behind(self, rows: int) -> LazyTensor:
        """The rows of a matrix behind the first few."""
        return LazyTensor((self.shape[0] - rows, *self.shape[1:]), self.dtype, lambda: self.read()[rows:])


def side_by_side(parts: Sequence[LazyTensor]) -> LazyTensor:
    """One tensor of several, joined along their last dimension. Raises ModelError if they do not fit."""
    alike = {(part.shape[:-1], part.dtype, len(part.shape)) for part in parts}
    if len(alike) > 1 or not parts[0].shape:
        shapes = [f"{part.shape}" for part in parts]
        hint = "is it a checkpoint of such a model?"
        raise ModelError("tensors that belong together have the shapes {shapes}", shapes=shapes, hint=hint)
    shape = (*parts[0].shape[:-1], sum(part.shape[-1] for part in parts))
    return LazyTensor(shape, parts[0].dtype, lambda: torch.cat([part.read() for part in parts], -1))


def write_lazily(path: Path, tensors: Mapping[str, LazyTensor]) -> None:
    """Write tensors as a safetensors file, one after the other.

    Raises:
        ModelError: A tensor cannot be read, or has values that are not finite.
        OSError: The file cannot be written.
    """
    # those of wide numbers first, so that each begins at a multiple of its numbers' width
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        tensor, start = tensors[name], end
        if tensor.dtype not in IN_HEADER:
            hint, dtype = "save it in floating point", str(tensor.dtype).removeprefix("torch.")
            raise ModelError("{name} is {dtype}, which is not stored", name=name, dtype=dtype, hint=hint)
        end += tensor.size
        place = {"shape": list(tensor.shape), "data_offsets": [start, end]}
        header[name] = {"dtype": IN_HEADER[tensor.dtype], **place}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            values = tensors[name].read()
            if values.is_floating_point() and values.numel() and not all_finite(values):
                hint = "such a model writes nothing: was its training broken off, or the file damaged?"
                raise ModelError("{name} has values that are not finite", name=name, hint=hint)
            file.write(values.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        sync(file)
