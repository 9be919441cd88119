"""The longest common subsequence of two texts, in as many steps as the second has units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = (1 << len(left)) - 1
    for row in subsequence_rows(left, right):  # noqa: B007 - the last one is wanted
        pass
    return len(left) - row.bit_count()


def subsequence_rows(left: Sequence[str], right: Sequence[str]) -> Iterator[int]:
    """The table of common subsequences' lengths, a row for each unit of `right` in the bits of an integer.

    Allison & Dix, "A bit-string longest-common-subsequence algorithm" (1986), in the form of Hyyrö,
    "Bit-parallel LCS-length computation revisited" (2004): a 0 bit marks a step up within the row.
    """
    places: dict[str, int] = {}
    for index, unit in enumerate(left):
        places[unit] = places.get(unit, 0) | 1 << index
    full = (1 << len(left)) - 1
    row = full
    for unit in right:
        matches = row & places.get(unit, 0)
        row = (row + matches | row - matches) & full
        yield row
