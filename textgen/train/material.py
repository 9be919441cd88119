"""What a run is made of: the examples of its files, and those of its dev file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgen.batch.read import FileRows
from textgen.events import OnEvent, ignore
from textgen.schema import Row
from textgen.train.corpus import Corpus, dev_rows, tokenised
from textgen.train.machine import Machine
from textgen.train.recipe import Recipe

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


def read_material(
    recipe: Recipe[Any, Any],
    files: FileRows,
    held_out: FileRows | None,
    fields: Mapping[str, str],
    directory: Path,
    machine: Machine,
    stopped: Callable[[], bool],
    on_event: OnEvent,
) -> Material | None:
    """Read a run's files; the first process does, the others take what it has left.

    Args:
        recipe: What is learned.
        files: What is trained on.
        held_out: The dev file.
        fields: Names of the fields, by what they hold.
        directory: Of the run.
        machine: What computes.
        stopped: Asked where a model must write first.
        on_event: Told of progress.

    Returns:
        None where that was stopped.
    """
    rows = dev_rows(held_out, recipe, fields) if held_out is not None else []

    def read(stopped: Callable[[], bool]) -> Material | None:
        corpus = tokenised(files, recipe, fields, directory / DATA, on_event, rows)
        dev = None if held_out is None else tokenised(held_out, recipe, fields, directory / DEV_DATA, ignore)

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
