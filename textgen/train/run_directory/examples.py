"""The examples of a run, kept in its directory until it has finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable
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
    """

    train: FileRows
    dev: FileRows | None


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
        self._dev_rows = dev_rows(files.dev, recipe) if files.dev is not None else []

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
        files, found = self._files, dict[str, Arrays]()
        for name, rows, tell, held_out in (
            (DATA, files.train, self._tell, self._dev_rows),
            (DEV_DATA, files.dev, ignore, []),
        ):
            if rows is not None:
                directory = self._directory / name
                arrays = (
                    build_corpus(rows, self._recipe, directory, stopped, tell, held_out)
                    if self._machine.first
                    else kept_corpus(rows, self._recipe, directory)
                )
                if arrays is None:
                    return None
                found[name] = arrays
        weights_of(found[DATA], self._recipe.options.weight)  # before a model writes for hours
        if self._anew:
            clear_written(self._directory)
        for name, arrays in found.items():
            directory = self._directory / f"{name}-{WRITTEN}"
            with self._machine.on_device():
                complete = self._recipe.complete(arrays, directory, stopped, self._tell)
            if complete is None:
                return None
            found[name] = complete
        return Examples(found[DATA], found.get(DEV_DATA), self._dev_rows)
