"""Batches: rows that are computed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any, TypeVar

T = TypeVar("T")
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # as torch puts it


def same_size_batches(
    items: Iterable[T], size: Callable[[T], Any], most: Callable[[Any], int]
) -> Iterator[list[T]]:
    """Yield batches of items of one size, the large first; else in order.

    Args:
        items: What is to be computed.
        size: The size of an item.
        most: How many items of a size make a batch, asked before every batch.
    """
    ordered = sorted(items, key=size, reverse=True)
    for key, bucket in groupby(ordered, key=size):
        while batch := list(islice(bucket, most(key))):
            yield batch


class BatchLimit:
    """The largest number of rows of a batch: of half as many tokens from when memory has run out on."""

    def __init__(self) -> None:
        self._tokens: int | None = None

    def rows(self, size: int, *, most_rows: int, most_tokens: int) -> int:
        """The number of rows of a size that may be computed together, at least one.

        Args:
            size: Tokens of a row.
            most_rows: No more rows than that.
            most_tokens: No more tokens than that, unless it is a single row.
        """
        tokens = most_tokens if self._tokens is None else min(most_tokens, self._tokens)
        return max(1, min(most_rows, tokens // max(1, size)))

    def halve(self, rows: int, size: int) -> int:
        """Remember that so many rows of a size were too many. Returns the number to try next."""
        fewer = max(1, rows // 2)
        self._tokens = fewer * max(1, size)  # what is written from nothing has no size
        return fewer


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a device."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)
    )
