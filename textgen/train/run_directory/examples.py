"""The examples of a run, kept in its directory until it has finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgen.events import OnEvent, ignore
from textgen.files.rows import FileRows
from textgen.schema import Row
from textgen.train.data.arrays import Arrays
from textgen.train.data.corpus import build_corpus, dev_rows, kept_corpus, weights_of
from textgen.train.recipes.base import Recipe
from textgen.train.step.machine import Machine

DATA, DEV_DATA, WRITTEN = "data", "data-dev", "written"
Stopped = Callable[[], bool]


@dataclass(frozen=True)
class RunFiles:
    """The files that a run reads.

    Attributes:
        train: The files to train on.
        dev: The dev file, if there is one.
        fields: Names of their fields, by what they hold.
    """

    train: FileRows
    dev: FileRows | None
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Examples:
    """The examples of a run.

    Attributes:
        corpus: Those that are trained on.
        dev: Those of the dev file, if there is one.
        dev_rows: The rows of the dev file.
    """

    corpus: Arrays
    dev: Arrays | None
    dev_rows: list[Row]


def clear_written(directory: Path) -> None:
    """Delete what a model has written for the examples of a run."""
    for name in (DATA, DEV_DATA):
        shutil.rmtree(directory / f"{name}-{WRITTEN}", ignore_errors=True)
        for path in directory.glob(f"{name}-{WRITTEN}-*"):
            path.unlink(missing_ok=True)


class ExampleReader:
    """Reads the files of a run; the first process does, the others take what it has left.

    Args:
        recipe: Makes examples of rows.
        files: The files.
        directory: Of the run.
        machine: The processes.
        on_event: Told of progress.
        anew: Whether what a model has written for examples before is of another run.

    Raises:
        UsageError, DataError: A row of the dev file cannot be used.
    """

    def __init__(
        self,
        recipe: Recipe[Any, Any],
        files: RunFiles,
        directory: Path,
        machine: Machine,
        on_event: OnEvent,
        *,
        anew: bool,
    ) -> None:
        self._recipe, self._files, self._directory = recipe, files, directory
        self._machine, self._tell, self._anew = machine, on_event, anew
        self._dev_rows = dev_rows(files.dev, recipe, files.fields) if files.dev is not None else []

    def read(self, stopped: Stopped) -> Examples | None:
        """The examples; None where `stopped`, which is asked from time to time, said so.

        Raises:
            UsageError, DataError: A row cannot be used, or a weight is of no source.
        """
        if self._machine.first:
            found = self._read(stopped)
            self._machine.wait()
            return found
        self._machine.wait()
        return self._read(lambda: True)  # it is there, or was stopped: they write nothing

    def _read(self, stopped: Stopped) -> Examples | None:
        corpus = self._corpus(self._files.train, DATA, stopped, self._tell, self._dev_rows)
        if corpus is None:
            return None
        weights_of(corpus, self._recipe.options.weight)  # before a model writes for hours
        dev = None
        if self._files.dev is not None:
            dev = self._corpus(self._files.dev, DEV_DATA, stopped, ignore, [])
            if dev is None:
                return None
        if self._anew:
            clear_written(self._directory)
        corpus = self._completed(corpus, DATA, stopped)
        if corpus is None:
            return None
        if dev is not None:
            dev = self._completed(dev, DEV_DATA, stopped)
            if dev is None:
                return None
        return Examples(corpus, dev, self._dev_rows)

    def _corpus(
        self, rows: FileRows, name: str, stopped: Stopped, tell: OnEvent, held_out: list[Row]
    ) -> Arrays | None:
        directory, fields = self._directory / name, self._files.fields
        if not self._machine.first:
            return kept_corpus(rows, self._recipe, fields, directory)
        return build_corpus(rows, self._recipe, fields, directory, stopped, tell, held_out)

    def _completed(self, arrays: Arrays, name: str, stopped: Stopped) -> Arrays | None:
        """The examples with what a model must write for them first."""
        directory = self._directory / f"{name}-{WRITTEN}"
        with self._machine.at_work():
            return self._recipe.complete(arrays, directory, stopped, self._tell)
