"""Second stages: recipes that start from a title model and learn from what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny import SHORT, Bench, some_pairs, write_lines

from textgen.events import ignore
from textgen.files.rows import FileRows
from textgen.options import parse
from textgen.options.recipes import OPTIONS
from textgen.train.data.arrays import Arrays, ArrayWriter, Example
from textgen.train.data.corpus import build_corpus
from textgen.train.recipes import recipe_class
from textgen.train.run import never
from textgen.train.step.loop import Loop
from textgen.train.step.machine import Machine

ROWS = some_pairs(10)


def make_writer(
    folder: Path, tokenizer: Path, models: dict[str, Path], rows: Any = ROWS, **options: Any
) -> Path:
    """Train a title model that still makes mistakes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textgen.train.session.draw_curve", lambda directory: directory)
        made = {"steps": 50, "batch_size": 10} | options
        Bench(folder, tokenizer, models).train("title", "writer", rows, **made)
    return folder / "writer"


def examples_of(folder: Path, columns: Sequence[dict[str, list[int]]]) -> Arrays:
    """Examples with these ids by column."""
    writer = ArrayWriter(folder, list(columns[0]), ["source"])
    for ids in columns:
        writer.add(Example(ids, {"source": 0}))
    writer.finish({"sources": ["a"]})
    return Arrays(folder)


def lacking(scores: list[float], places: list[int], margin: float) -> float:
    """What the better of two lacks, over all pairs that are not equal."""
    found = [
        max(0.0, scores[worse] - scores[better] + margin * (places[worse] - places[better]))
        for better in range(len(places))
        for worse in range(len(places))
        if 0 <= places[better] < places[worse]
    ]
    return sum(found) / max(1, len(found))


class Stages(Bench):
    """Runs that start from one title model.

    Args:
        bench: Where, and of what.
        writer: The title model.
        added: What all of them are given beside SHORT.
    """

    def __init__(self, bench: Bench, writer: Path, **added: Any) -> None:
        super().__init__(bench.folder, bench.tokenizer, bench.models)
        self.writer, self.added = writer, added

    def rows(self, recipe: str) -> list[dict[str, Any]]:
        return ROWS

    def starts(self, recipe: str) -> dict[str, Any]:
        return {"start": str(self.writer), "title_length": 8} | self.added

    def recipe(self, name: str, **options: Any) -> Any:
        kind = recipe_class(name)
        return kind(parse(OPTIONS[name], SHORT | self.starts(name) | options, user=name))

    def written(self, recipe: Any, name: str = "written", rows: Any = None) -> Arrays:
        """The examples of rows, with what the title model writes for them."""
        path = write_lines(self.folder / f"{name}.jsonl", ROWS if rows is None else rows)
        corpus = build_corpus(
            FileRows([str(path)], recipe.options.reading), recipe, self.folder / name, never, ignore
        )
        found = recipe.complete(corpus, self.folder / f"{name}-more", never, ignore)
        assert found is not None
        return found  # type: ignore[no-any-return]

    def loop_over(self, arrays: Arrays, recipe: str, **options: Any) -> Loop:
        """A loop over examples that has done no step yet."""
        made = self.recipe(recipe, **options)
        network = made.build(arrays).requires_grad_(True)
        return Loop(made, network, arrays, Machine(None), made.options.steps)
