"""A writer of TensorFlow's checkpoints: an index table, shards, checksums; as TensorFlow's own, in small."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from textgen.store.convert.checksum import masked_crc32c
from textgen.store.convert.table import MAGIC

KINDS = {
    torch.float32: 1,
    torch.float64: 2,
    torch.int32: 3,
    torch.int64: 9,
    torch.bfloat16: 14,
    torch.float16: 19,
}
STRING = 7  # the kind of a tensor that is no numbers
RESTART = 16  # entries from one whole key to the next
BLOCK = 1000  # bytes, so that a small checkpoint has several


def write_bundle(prefix: Path, tensors: Mapping[str, Tensor], *, shards: int = 1) -> Path:
    """Write a checkpoint, its tensors dealt out to shards in turn; the path of its index."""
    contents = [bytearray() for _ in range(shards)]
    rows = {"": field(1, shards) + field(3, field(1, 1))}
    for number, (name, tensor) in enumerate(sorted(tensors.items())):
        content = contents[number % shards]
        octets = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy())
        rows[name] = entry(tensor, number % shards, len(content), octets)
        content += octets
    for number, content in enumerate(contents):
        Path(f"{prefix}.data-{number:05}-of-{shards:05}").write_bytes(content)
    index = Path(f"{prefix}.index")
    index.write_bytes(table({name.encode(): row for name, row in rows.items()}))
    return index


def entry(tensor: Tensor, shard: int, offset: int, octets: bytes) -> bytes:
    """Where a tensor lies, as a protocol buffer."""
    shape = b"".join(field(2, field(1, size)) for size in tensor.shape)
    found = field(1, KINDS[tensor.dtype]) + field(2, shape)
    for number, value in ((3, shard), (4, offset), (5, len(octets))):
        found += field(number, value) if value else b""  # TensorFlow leaves zeros out
    return found + varint(6 << 3 | 5) + masked_crc32c(octets).to_bytes(4, "little")


def table(rows: Mapping[bytes, bytes]) -> bytes:
    """A table of sorted keys."""
    content, index, waiting = bytearray(), {}, {}
    for key in sorted(rows):
        waiting[key] = rows[key]
        if sum(map(len, waiting.values())) > BLOCK:
            index[key] = _placed(content, waiting)
            waiting = {}
    if waiting:
        index[max(waiting)] = _placed(content, waiting)
    properties = _placed(content, {})
    handles = properties + _placed(content, index)
    return bytes(content + handles.ljust(40, b"\0") + MAGIC)


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """A number of seven bits a byte."""
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def _placed(content: bytearray, rows: Mapping[bytes, bytes]) -> bytes:
    """Add a block; its handle."""
    block, restarts, before = bytearray(), [], b""
    for number, (key, value) in enumerate(rows.items()):
        shared = 0
        if number % RESTART:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        else:
            restarts.append(len(block))
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    for at in [*(restarts or [0]), len(restarts or [0])]:
        block += at.to_bytes(4, "little")
    handle = varint(len(content)) + varint(len(block))
    block += b"\0"
    content += block + masked_crc32c(bytes(block)).to_bytes(4, "little")
    return handle
