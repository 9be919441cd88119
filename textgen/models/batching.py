"""Which rows are computed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any, TypeVar

T = TypeVar("T")


def alike(items: Iterable[T], size: Callable[[T], Any], most: int) -> Iterator[list[T]]:
    """Batches of items of one size, at most so many each, the large first; else in order."""
    ordered = sorted(items, key=size, reverse=True)
    for _, bucket in groupby(ordered, key=size):
        while batch := list(islice(bucket, most)):
            yield batch
