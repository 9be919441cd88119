"""CRC-32C, the checksum of TensorFlow's files, of many megabytes a second.

Castagnoli's polynomial is not that of `zlib`, and a loop over bytes would take minutes for a model. The
register is linear in the bytes: so many lanes of a buffer are computed side by side by numpy, and joined as
if one had followed the other.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np

POLYNOMIAL = 0x82F63B78  # reflected: the lowest bit is the highest power
ONES = 0xFFFFFFFF
LANES = 4096
UNIT = 8  # bytes that a lane takes in a step
MASK_DELTA = 0xA282EAD8  # a checksum of data that hold checksums would be weak: they are stored masked

Matrix = tuple[int, ...]  # what each of the register's 32 bits becomes


def crc32c(content: bytes | memoryview | np.ndarray) -> int:
    """The CRC-32C of bytes."""
    octets = np.frombuffer(content, np.uint8)
    register = ONES
    width = len(octets) // LANES // UNIT * UNIT
    if width:
        lanes = octets[: width * LANES].view("<u8").reshape(LANES, -1)
        shift = _shift(width)
        for lane in _side_by_side(lanes).tolist():
            register = _applied(shift, register) ^ lane
        octets = octets[width * LANES :]
    table = _table().tolist()
    for octet in octets.tolist():
        register = register >> 8 ^ table[(register ^ octet) & 0xFF]
    return register ^ ONES


def masked_crc32c(content: bytes | memoryview | np.ndarray) -> int:
    """The CRC-32C of bytes as TensorFlow stores it."""
    found = crc32c(content)
    return ((found >> 15 | found << 17) + MASK_DELTA) & ONES


def _side_by_side(lanes: np.ndarray) -> np.ndarray:
    """The register of each lane `(lanes, steps)` of eight bytes a step, begun with zero."""
    tables = _tables_of_pairs()
    registers = np.zeros(len(lanes), np.uint64)
    for column in range(lanes.shape[1]):
        eight = lanes[:, column] ^ registers
        registers = tables[0][(eight >> np.uint64(48)).astype(np.intp)]
        for number, bits in enumerate((32, 16, 0), 1):
            registers = (
                registers ^ tables[number][(eight >> np.uint64(bits) & np.uint64(0xFFFF)).astype(np.intp)]
            )
    return registers


@cache
def _table() -> np.ndarray:
    """What each byte makes of a register of zeros."""
    registers = np.arange(256, dtype=np.uint64)
    for _ in range(8):
        registers = registers >> np.uint64(1) ^ np.where(registers & np.uint64(1), POLYNOMIAL, 0).astype(
            np.uint64
        )
    return registers


@cache
def _tables_of_pairs() -> list[np.ndarray]:
    """What each pair of bytes makes of a register of zeros, with 0, 2, 4 and 6 bytes of zeros behind it."""
    table, low = _table(), np.uint64(0xFF)

    def moved(registers: np.ndarray) -> np.ndarray:
        moved_on: np.ndarray = registers >> np.uint64(8) ^ table[(registers & low).astype(np.intp)]
        return moved_on

    pairs = moved(moved(np.arange(65536, dtype=np.uint64)))
    tables = [pairs]
    for _ in range(3):
        tables.append(moved(moved(tables[-1])))
    return tables


@lru_cache(maxsize=64)
def _shift(count: int) -> Matrix:
    """What so many bytes of zeros make of each bit of a register."""
    table = _table().tolist()
    power: Matrix = tuple(1 << bit >> 8 ^ table[1 << bit & 0xFF] for bit in range(32))
    shift: Matrix = tuple(1 << bit for bit in range(32))
    while count:
        if count & 1:
            shift = tuple(_applied(power, column) for column in shift)
        power = tuple(_applied(power, column) for column in power)
        count >>= 1
    return shift


def _applied(matrix: Matrix, register: int) -> int:
    result = 0
    while register:
        lowest = register & -register
        result ^= matrix[lowest.bit_length() - 1]
        register ^= lowest
    return result
