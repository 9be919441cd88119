"""A title model after both stages writes what it has learned, and its files say how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stages import ROWS, Stages, make_writer
from tiny import Bench, make_bert

import textgen
from textgen.events import Note
from textgen.models.families.unilm import UniLM
from textgen.options.title import Direction
from textgen.store.catalog import find_model
from textgen.store.load import load_model

WAYS: tuple[Direction, Direction] = ("l2r", "r2l")


@pytest.fixture(scope="module")
def learned(
    tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path, tiny_models: dict[str, Path]
) -> Path:
    """Both stages over a handful of titles; the first makes mistakes."""
    folder = tmp_path_factory.mktemp("learned")
    wide = {"bert": make_bert(folder / "bert", tiny_tokenizer, width=32)}
    made: dict[str, Any] = {"learning_rate": 5e-3, "batch_size": 10, "warmup": 0.1, "bucketing": False}
    start = make_writer(folder, tiny_tokenizer, wide, **made | {"steps": 40})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textgen.train.session.draw_curve", lambda directory: directory)
        stages = Stages(Bench(folder, tiny_tokenizer, wide), start)
        stages.train("bidirectional", "run", ROWS, steps=140, log_every=50, **made)
    return folder


def titles_of(model: Path, **options: Any) -> list[str]:
    backend = textgen.load(str(model))
    records = backend.generate([row["text"] for row in ROWS], max_new_tokens=8, checks=False, **options)
    return [record.candidates[0].text for record in records]


def right(found: list[str]) -> int:
    return sum(text == row["title"] for text, row in zip(found, ROWS, strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {"decode": "bidirectional"},
        {"decode": "bidirectional", "beams": 4},
        {"decode": "greedy"},
        {"decode": "greedy", "direction": "r2l"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_titles_are_learned_by_heart(learned: Path, options: dict[str, Any]) -> None:
    titles = [row["title"] for row in ROWS]
    own = [titles_of(learned / "writer", decode="greedy", direction=way) for way in WAYS]
    assert all(right(texts) <= 3 for texts in own)
    found = titles_of(learned / "run", **options)
    if options["decode"] == "greedy":
        assert found == titles
    assert right(found) >= 8
    assert all(text in texts for text, texts in zip(found, zip(titles, *own, strict=True), strict=True))


def test_the_files_say_that_it_writes_both_ways(learned: Path) -> None:
    model = load_model(find_model(str(learned / "run")))
    assert model.files.config["two_way"] is True
    assert model.files.config["target_types"] == {"l2r": 1, "r2l": 2}
    assert isinstance(model.network, UniLM)
    assert model.network.two_way
    assert load_model(find_model(str(learned / "writer"))).files.config["two_way"] is False
    for name, scored, notes in (("run", "bidirectional_", 0), ("writer", "", 1)):
        backend, events = textgen.load(str(learned / name)), list[Any]()
        (record,) = backend.generate([ROWS[0]["text"]], decode="bidirectional", on_event=events.append)
        assert record.candidates[0].score_kind.startswith("bidirectional_") == bool(scored)
        assert len([event for event in events if isinstance(event, Note)]) == notes
