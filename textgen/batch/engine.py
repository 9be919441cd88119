"""Engines, which compute the rows of a run: this process, or several; the records are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from textgen.batch.worker import Task, Worker
from textgen.compute import threads
from textgen.events import Computed, Event, OnEvent
from textgen.schema import Record, Row


class Rows(Protocol):
    """Rows whose number is known, as often as they are asked for."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Row]: ...

    @property
    def files(self) -> list[Path]:
        """The files that they are read from."""

    @property
    def reading(self) -> dict[str, Any]:
        """The options by which they are read."""

    @property
    def notes(self) -> list[Event]:
        """Notes for the user on how they are read."""

    def touched(self) -> bool:
        """Whether they may be others by now."""

    def fingerprint(self) -> str:
        """The sha256 of all that they are made of."""


@dataclass(frozen=True)
class Slice:
    """The rows from `start` to before `stop`."""

    rows: Rows
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[Row]:
        return islice(self.rows, self.start, self.stop)


class Engine(Protocol):
    """Computes rows.

    Attributes:
        memory: Most bytes that one of its processes has held; 0 where the system does not tell.
    """

    @property
    def memory(self) -> int: ...

    def begin(self, on_event: OnEvent) -> None:
        """Load what is needed, check the options against it, and tell what their user should know."""

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records in the order of the rows, each with its row's digest.

        `on_event` is told of what was `Computed`.
        """


class Nothing:
    """Has nothing to compute, since no row could be read, or all is done; see `Engine`."""

    memory = 0

    def __init__(self, task: Task) -> None:
        self._label = task.files.label

    def begin(self, on_event: OnEvent) -> None:
        pass

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        for row in rows:
            on_event(Computed(1, errors=1))
            made_of = row.digest
            yield Record(row.name, [], self._label, error=row.error, fields=row.fields, made_of=made_of)


@contextmanager
def local(task: Task, workers: int) -> Iterator[Engine]:
    """An engine on this machine: this process if one is enough, else several."""
    if workers > 1:
        from textgen.batch.pool import pool

        with pool(task, workers) as engine:
            yield engine
        return
    with threads(task.threads):
        yield Worker(task)
