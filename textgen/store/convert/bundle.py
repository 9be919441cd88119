"""TensorFlow checkpoints without TensorFlow.

A checkpoint `bert_model.ckpt` is a table `bert_model.ckpt.index` of names, shapes and places, and shards
`bert_model.ckpt.data-00000-of-00001` that hold the numbers, one tensor after the other. The values of the
table are protocol buffers. Every tensor has a checksum, which is checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from textgen.errors import ModelError
from textgen.files.small_files import read_small
from textgen.store.convert.checksum import masked_crc32c
from textgen.store.convert.lazy import LazyTensor
from textgen.store.convert.table import MalformedError, rows, varint

INDEX = ".index"
DTYPES = {
    1: torch.float32,
    2: torch.float64,
    3: torch.int32,
    9: torch.int64,
    14: torch.bfloat16,
    19: torch.float16,
}
MOST_SHARDS = 99_999  # their numbers have five digits
DAMAGED = "is the file whole? fetch it once more"


@dataclass(frozen=True)
class Place:
    """Where a tensor of a checkpoint lies.

    Attributes:
        kind: TensorFlow's number of its type.
        shape: Its shape.
        shard: The number of its shard.
        offset: Where it begins there.
        size: Its bytes.
        checksum: Of its bytes, masked.
        sliced: Whether it lies in several places.
    """

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


def read_bundle(index: Path) -> tuple[dict[str, LazyTensor], list[Path]]:
    """Look at a checkpoint.

    Args:
        index: The path of its table.

    Returns:
        Its tensors of numbers by name, and its shards.

    Raises:
        ModelError: The table is broken, or a shard is missing or too short.
    """
    try:
        table = dict(rows(read_small(index)))
        header = _Message(table.pop(b"", b""))
        if not 0 < header.number(1) <= MOST_SHARDS:
            raise MalformedError("it does not say how many shards there are")
        places = {_text(key): _place(_Message(value)) for key, value in table.items()}
    except (MalformedError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError("cannot read {path}: {reason}", path=index, reason=reason, hint=DAMAGED) from None
    if header.number(2):
        hint = "save it on another kind of machine"
        raise ModelError("{path}: its numbers begin with their high bytes", path=index, hint=hint)
    count, prefix = header.number(1), str(index).removesuffix(INDEX)
    shards = [Path(f"{prefix}.data-{number:05}-of-{count:05}") for number in range(count)]
    _check_shards(index, shards, places)
    tensors = {
        name: LazyTensor(place.shape, DTYPES[place.kind], partial(_read, name, place, shards[place.shard]))
        for name, place in places.items()
        if place.kind in DTYPES and not place.sliced
    }
    return tensors, shards


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise MalformedError("a name is not UTF-8") from None


def _check_shards(index: Path, shards: list[Path], places: Mapping[str, Place]) -> None:
    ends = [0] * len(shards)
    for name, place in places.items():
        if place.shard >= len(shards):
            found = {"name": name, "shard": place.shard + 1, "most": len(shards)}
            raise ModelError(
                "{path}: {name} lies in shard {shard} of {most}", path=index, **found, hint=DAMAGED
            )
        ends[place.shard] = max(ends[place.shard], place.offset + place.size)
    for shard, end in zip(shards, ends, strict=True):
        if not shard.is_file():
            hint = "the .index and the .data files of a checkpoint belong together"
            raise ModelError("there is no {path}", path=shard, hint=hint)
        if (size := shard.stat().st_size) < end:
            template = "{path} has {size} bytes, its index says {end}"
            raise ModelError(template, path=shard, size=size, end=end, hint=DAMAGED)


def _read(name: str, place: Place, shard: Path) -> Tensor:
    dtype = DTYPES[place.kind]
    if prod(place.shape) * dtype.itemsize != place.size:
        template = "{path}: {name} {shape} is said to have {size} bytes"
        raise ModelError(
            template, path=shard, name=name, shape=f"{place.shape}", size=place.size, hint=DAMAGED
        )
    try:
        with shard.open("rb") as file:
            file.seek(place.offset)
            content = bytearray(file.read(place.size))
    except OSError as error:
        reason = error.strerror or error
        raise ModelError("cannot read {path}: {reason}", path=shard, reason=reason, hint=DAMAGED) from None
    if masked_crc32c(memoryview(content)) != place.checksum:
        raise ModelError("{path}: the checksum of {name} is wrong", path=shard, name=name, hint=DAMAGED)
    if not content:
        return torch.empty(place.shape, dtype=dtype)
    return torch.frombuffer(content, dtype=dtype).view(place.shape)


class _Message:
    """A protocol buffer: the numbers and bytes of its fields."""

    def __init__(self, content: bytes) -> None:
        self.numbers: dict[int, list[int]] = defaultdict(list)
        self.parts: dict[int, list[bytes]] = defaultdict(list)
        at = 0
        while at < len(content):
            tag, at = varint(content, at)
            field, kind = tag >> 3, tag & 7
            if kind == 0:
                value, at = varint(content, at)
                self.numbers[field].append(value)
                continue
            if kind == 2:
                size, at = varint(content, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise MalformedError("an entry is no protocol buffer")
            if at + size > len(content):
                raise MalformedError("an entry is cut off")
            part, at = content[at : at + size], at + size
            if kind == 2:
                self.parts[field].append(part)
            else:
                self.numbers[field].append(int.from_bytes(part, "little"))

    def number(self, field: int) -> int:
        """The last number of a field; 0 if there is none, as in every protocol buffer."""
        return (self.numbers[field] or [0])[-1]

    def inner(self, field: int) -> list[_Message]:
        """The protocol buffers in a field."""
        return [_Message(part) for part in self.parts[field]]


def _place(entry: _Message) -> Place:
    shape = [dimension.number(1) for whole in entry.inner(2) for dimension in whole.inner(2)]
    return Place(
        kind=entry.number(1),
        shape=tuple(shape),
        shard=entry.number(3),
        offset=entry.number(4),
        size=entry.number(5),
        checksum=entry.number(6),
        sliced=bool(entry.parts[7]),
    )
