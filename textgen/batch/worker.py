"""The computation of rows in one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from textgen.backends.registry import backend_class, editor_class
from textgen.commands import LANGUAGE_MODEL
from textgen.compute import peak_memory
from textgen.events import OnEvent
from textgen.models.views import LanguageModel
from textgen.options import Options
from textgen.schema import Record, Row
from textgen.store.catalog import ModelFiles, find_model


@dataclass(frozen=True)
class Task:
    """The work on every row.

    Attributes:
        files: The model.
        options: Validated; with a seed, where anything is drawn.
        editor: The command, if it writes by editing under the model.
        threads: Threads to compute with; None leaves torch's choice.
    """

    files: ModelFiles
    options: Options
    editor: str | None = None
    threads: int | None = None

    @property
    def models(self) -> dict[str, ModelFiles]:
        """All models that it takes, by purpose."""
        found = {"model": self.files}
        found |= {purpose: find_model(name) for purpose, name in self.options.models.items()}
        if self.files.embedded and not self.files.family.offers(LanguageModel):
            found["reader"] = find_model(LANGUAGE_MODEL)  # refuses texts and remarks on them
        return found

    def open(self) -> Any:
        """Load the backend."""
        kind = backend_class(self.files.kind) if self.editor is None else editor_class(self.editor)
        return kind.open(self.files)


def windows(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Rows that are looked at together: a function of the input alone."""
    stream = iter(rows)
    while window := list(islice(stream, size)):
        yield window


class Worker:
    """Computes windows in this process.

    Args:
        task: What is done with every row.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self._seed = 0

    def begin(self, on_event: OnEvent) -> None:
        """Load the backend, check the options against it, and tell what their user should know."""
        self._seed = self._backend.begin(self.task.options, on_event)

    def window(self, rows: Sequence[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records of a window, each as soon as those before it are done."""
        found = self._backend.window(rows, self.task.options, self._seed, on_event)
        for row, record in zip(rows, found, strict=True):
            yield replace(record, made_of=row.digest)

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records of all rows, a window after the other."""
        for window in windows(rows, self.task.options.window):
            yield from self.window(window, on_event)

    @property
    def memory(self) -> int:
        """Most bytes that this process has held."""
        return peak_memory()

    @cached_property
    def _backend(self) -> Any:
        return self.task.open()
