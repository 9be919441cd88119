"""The sorted tables of LevelDB, in which TensorFlow keeps the names of a checkpoint.

A table is a row of blocks, an index of the blocks, which is a block itself, and a footer that says where the
index lies. An entry of a block repeats only what its key does not share with the one before. Behind the
entries stand the places where whole keys are ("restarts"), which only searching needs; behind each block, its
kind of compression and a checksum.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from textgen.store.convert.checksum import masked_crc32c

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER = 48
TRAILER = 5  # kind of compression, checksum
LONGEST_VARINT = 10

Row = tuple[bytes, bytes]


class MalformedError(ValueError):
    """Bytes are not what they should be."""


def rows(content: bytes) -> Iterator[Row]:
    """The keys and values of a table, in order. Raises MalformedError."""
    if len(content) < FOOTER or content[-len(MAGIC) :] != MAGIC:
        raise MalformedError("it does not end as the index of a checkpoint does")
    footer = content[-FOOTER:]
    _, at = _handle(footer, 0)  # of properties, of which there are none
    index, _ = _handle(footer, at)
    keys = []
    for _, value in _entries(_block(content, *index)):
        handle, _ = _handle(value, 0)
        for key, found in _entries(_block(content, *handle)):
            keys.append(key)
            yield key, found
    if any(first >= second for first, second in pairwise(keys)):
        raise MalformedError("its names are not in order")


def varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where the next begins. Raises MalformedError."""
    value = 0
    for number, octet in enumerate(content[at : at + LONGEST_VARINT]):
        value |= (octet & 0x7F) << 7 * number
        if octet < 0x80:
            return value, at + number + 1
    raise MalformedError("a number does not end")


def _handle(content: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = varint(content, at)
    size, at = varint(content, at)
    return (offset, size), at


def _block(content: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + TRAILER > len(content) - FOOTER:
        raise MalformedError("a block lies behind its end")
    if content[end]:
        raise MalformedError("its blocks are compressed, which TensorFlow does for nobody who saves a model")
    if masked_crc32c(content[offset : end + 1]) != int.from_bytes(content[end + 1 : end + TRAILER], "little"):
        raise MalformedError("the checksum of a block is wrong")
    return content[offset:end]


def _entries(block: bytes) -> Iterator[Row]:
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if len(block) < 4 or end < 0:
        raise MalformedError("a block is too short")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise MalformedError("an entry is longer than its block")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size
