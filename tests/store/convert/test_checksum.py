"""CRC-32C against its published values, and against the loop over bits that defines it."""

import random

import pytest

from textgen.store.convert.checksum import LANES, crc32c, masked_crc32c


def by_bits(content: bytes) -> int:
    register = 0xFFFFFFFF
    for octet in content:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("content", "expected"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_published_values(content: bytes, expected: int) -> None:
    assert crc32c(content) == expected


def test_the_mask_is_that_of_leveldb() -> None:
    found = crc32c(b"foo")
    assert masked_crc32c(b"foo") == (((found >> 15) | (found << 17)) + 0xA282EAD8) % 2**32


@pytest.mark.parametrize("size", [8 * LANES - 1, 8 * LANES, 8 * LANES + 5, 24 * LANES + 11])
def test_side_by_side_is_one_after_the_other(size: int) -> None:
    content = random.Random(size).randbytes(size)
    assert crc32c(content) == by_bits(content)
    assert crc32c(memoryview(bytearray(content))) == by_bits(content)
