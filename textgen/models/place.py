"""The place where a model computes, entered for as long as it does and no longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from textgen.compute import threads
from textgen.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """The place of a model; the rest of the process keeps its own.

    Attributes:
        threads: How many it takes; None are those that are the process's share.

    Raises:
        UsageError: A number of threads is none.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and not (isinstance(self.threads, int) and self.threads > 0):
            given = repr(self.threads)
            raise UsageError("{@threads} {given}: it is no number of threads", given=given, hint="1 or more")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Compute in this place. Raises UsageError: the environment variable has no number of threads."""
        with threads(self.threads):
            yield

    def each(self, steps: Iterator[T]) -> Iterator[T]:
        """The same steps, each of them made in this place; whoever takes them stays where they are."""
        while True:
            with self.entered():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
