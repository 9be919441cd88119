"""What a run is made of: the examples of its files, and those of its dev file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgen.events import OnEvent, ignore
from textgen.files.rows import FileRows
from textgen.schema import Row
from textgen.train.data.corpus import Corpus, dev_rows, tokenised, tokenised_before
from textgen.train.recipe import Recipe
from textgen.train.step.machine import Machine

DATA, DEV_DATA, WRITTEN = "data", "data-dev", "written"


@dataclass(frozen=True)
class Material:
    """What a run is made of.

    Attributes:
        corpus: What is trained on.
        dev: Examples of the dev file, if there is one.
        rows: Its rows.
    """

    corpus: Corpus
    dev: Corpus | None
    rows: list[Row]


def clear_written(directory: Path) -> None:
    """Delete what a model has written for the examples of a run."""
    for name in (DATA, DEV_DATA):
        shutil.rmtree(directory / f"{name}-{WRITTEN}", ignore_errors=True)
        for path in directory.glob(f"{name}-{WRITTEN}-*"):
            path.unlink(missing_ok=True)


def read_material(
    recipe: Recipe[Any, Any],
    files: FileRows,
    held_out: FileRows | None,
    fields: Mapping[str, str],
    directory: Path,
    machine: Machine,
    stopped: Callable[[], bool],
    on_event: OnEvent,
    *,
    anew: bool,
) -> Material | None:
    """Read a run's files; the first process does, the others take what it has left.

    Args:
        recipe: What is learned.
        files: What is trained on.
        held_out: The dev file.
        fields: Names of the fields, by what they hold.
        directory: Of the run.
        machine: What computes.
        stopped: Asked from time to time.
        on_event: Told of progress.
        anew: What a model has written for examples before is of another run.

    Returns:
        None where it was stopped.

    Raises:
        UsageError, DataError: A row cannot be used, or a weight is of no source.
    """
    rows = dev_rows(held_out, recipe, fields) if held_out is not None else []

    def read(stopped: Callable[[], bool]) -> Material | None:
        def examples(of: FileRows, name: str, tell: OnEvent, held_out: list[Row]) -> Corpus | None:
            if not machine.first:
                return tokenised_before(of, recipe, fields, directory / name)
            return tokenised(of, recipe, fields, directory / name, stopped, tell, held_out)

        corpus = examples(files, DATA, on_event, rows)
        if corpus is None:
            return None
        corpus.weights(recipe.options.weight)  # before a model writes for hours
        dev = None if held_out is None else examples(held_out, DEV_DATA, ignore, [])
        if dev is None and held_out is not None:
            return None
        if anew:
            clear_written(directory)

        def completed(part: Corpus, name: str) -> Corpus | None:
            with machine.at_work():
                arrays = recipe.complete(part.arrays, directory / f"{name}-{WRITTEN}", stopped, on_event)
            return None if arrays is None else Corpus(arrays)

        whole = completed(corpus, DATA)
        whole_dev = None if dev is None or whole is None else completed(dev, DEV_DATA)
        if whole is None or (dev is not None and whole_dev is None):
            return None
        return Material(whole, whole_dev, rows)

    if machine.first:
        material = read(stopped)
        machine.wait()
        return material
    machine.wait()
    return read(lambda: True)  # it is there, or was stopped: they write nothing
