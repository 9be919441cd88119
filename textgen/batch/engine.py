"""Engines, which compute the rows of a run: this process, or several; the records are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from textgen.backends.registry import backend_class, editor_class
from textgen.commands import LANGUAGE_MODEL
from textgen.compute import peak_memory
from textgen.events import Computed, Event, OnEvent
from textgen.models.place import Place
from textgen.models.views import LanguageModel
from textgen.options import Options
from textgen.schema import Record, Row
from textgen.store.catalog import ModelFiles, find_model


class Rows(Protocol):
    """The input of a run: rows that can be counted, and read any number of times."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Row]: ...

    @property
    def files(self) -> list[Path]:
        """The files that the rows are read from."""

    @property
    def reading(self) -> dict[str, Any]:
        """The options by which the rows are read."""

    @property
    def notes(self) -> list[Event]:
        """Notes for the user on how the rows are read."""

    def touched(self) -> bool:
        """Whether the rows may have changed since they were found."""

    def fingerprint(self) -> str:
        """The sha256 of all that the rows are made of."""


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


@dataclass(frozen=True)
class Task:
    """The work on every row: the model, the options and the editor.

    Attributes:
        files: The model.
        options: Validated; with a seed, where anything is drawn.
        editor: The command, if it writes by editing under the model.
        place: Where it is done.
    """

    files: ModelFiles
    options: Options
    editor: str | None = None
    place: Place = field(default_factory=Place)

    @property
    def models(self) -> dict[str, ModelFiles]:
        """All models of the task, by purpose."""
        found = {"model": self.files}
        found |= {purpose: find_model(name) for purpose, name in self.options.models.items()}
        if self.files.embedded and not self.files.family.offers(LanguageModel):
            found["reader"] = find_model(LANGUAGE_MODEL)  # refuses texts and remarks on them
        return found

    def open(self) -> Any:
        """Load the backend, in the place that was entered."""
        kind = backend_class(self.files.kind) if self.editor is None else editor_class(self.editor)
        return kind.open(self.files)


def windows(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Cut rows into windows, which are computed as wholes: a function of the input alone."""
    stream = iter(rows)
    while window := list(islice(stream, size)):
        yield window


class Engine(Protocol):
    """An engine, which computes the records of rows.

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


class Worker:
    """Computes windows in this process; see `Engine`.

    Args:
        task: What is done with every row.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self._seed = 0

    def begin(self, on_event: OnEvent) -> None:
        """Load the backend, check the options against it, and tell what their user should know."""
        with self.task.place.entered():
            self._seed = self._backend.begin(self.task.options, on_event)

    def window(self, rows: Sequence[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records of a window, each as soon as those before it are done."""
        found = self.task.place.each(self._backend.window(rows, self.task.options, self._seed, on_event))
        for row, record in zip(rows, found, strict=True):
            yield replace(record, made_of=row.digest)

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records of all rows, a window after the other."""
        for window in windows(rows, self.task.options.window):
            yield from self.window(window, on_event)

    @property
    def memory(self) -> int:
        return peak_memory()

    @cached_property
    def _backend(self) -> Any:
        with self.task.place.entered():
            return self.task.open()


class NothingToCompute:
    """The engine of a run in which no row can be read, or all is done; see `Engine`."""

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
