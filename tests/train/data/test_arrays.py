"""Examples on disk come back as they were written; what is not whole is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from textgen.train.data.arrays import ABOUT, Arrays, ArrayWriter, Example

EXAMPLES = [
    Example({"source": [7, 8, 9], "target": []}, {"style": 3}),
    Example({"source": [], "target": [2**32 - 1]}, {"style": -1}),
    Example({"source": [5], "target": [1, 2]}, {"style": 2**40}),
]


def written(folder: Path, examples: list[Example]) -> Path:
    writer = ArrayWriter(folder, ("source", "target"), ("style",))
    for example in examples:
        writer.add(example)
    writer.finish({"rows": len(examples), "name": "诗"})
    return folder


def test_examples_come_back(tmp_path: Path) -> None:
    arrays = Arrays(written(tmp_path / "data", EXAMPLES))
    assert len(arrays) == 3
    for number, example in enumerate(EXAMPLES):
        assert arrays.ids("source", number) == example.ids["source"]
        assert arrays.ids("target", number) == example.ids["target"]
        assert arrays.number("style", number) == example.numbers["style"]
    assert arrays.numbers("style").tolist() == [3, -1, 2**40]
    assert arrays.lengths().tolist() == [3, 1, 3]
    assert arrays.about == {"rows": 3, "name": "诗"}


def test_what_is_read_is_mapped_not_loaded(tmp_path: Path) -> None:
    arrays = Arrays(written(tmp_path / "data", EXAMPLES))
    assert isinstance(arrays.numbers("style"), np.memmap)
    assert all(isinstance(ids, np.memmap) for ids in arrays._ids.values())


def test_a_column_may_be_empty_throughout(tmp_path: Path) -> None:
    examples = [Example({"source": [4], "target": []}, {"style": 0})] * 2
    arrays = Arrays(written(tmp_path / "data", examples))
    assert arrays.ids("target", 1) == []
    assert arrays.lengths().tolist() == [1, 1]


def test_there_may_be_no_examples(tmp_path: Path) -> None:
    arrays = Arrays(written(tmp_path / "data", []))
    assert len(arrays) == 0
    assert arrays.lengths().tolist() == []


def test_what_was_there_is_deleted(tmp_path: Path) -> None:
    folder = written(tmp_path / "data", EXAMPLES)
    (folder / "old.ids").write_bytes(b"old")
    assert len(Arrays(written(folder, EXAMPLES[:1]))) == 1
    assert not (folder / "old.ids").exists()


def test_arrays_that_are_still_written_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "data", EXAMPLES)
    ArrayWriter(folder, ("source", "target"), ("style",)).add(EXAMPLES[0])
    with pytest.raises(OSError, match="about"):
        Arrays(folder)


def cut(name: str, to: int) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        with (folder / name).open("rb+") as file:
            file.truncate(to)

    return do


@pytest.mark.parametrize(
    "tear",
    [
        cut("source.ids", 12),  # one id is missing
        cut("source.ids", 13),
        cut("source.ids", 0),
        cut("target.ends", 16),  # one end is missing
        cut("target.ends", 0),
        cut("style", 16),
        cut(ABOUT, 20),
        lambda folder: (folder / "style").unlink(),
        lambda folder: (folder / "target.ids").unlink(),
    ],
    ids=["ids", "half an id", "no ids", "ends", "no ends", "numbers", "about", "no numbers", "no file"],
)
def test_arrays_that_are_not_whole_are_refused(tmp_path: Path, tear: Callable[[Path], None]) -> None:
    folder = written(tmp_path / "data", EXAMPLES)
    tear(folder)
    with pytest.raises((OSError, ValueError)):
        Arrays(folder)


def test_about_is_written_last(tmp_path: Path) -> None:
    writer = ArrayWriter(tmp_path / "data", ("source",), ())
    writer.add(Example({"source": [1]}))
    assert not (tmp_path / "data" / ABOUT).exists()
    writer.finish({})
    assert json.loads((tmp_path / "data" / ABOUT).read_text(encoding="utf-8"))["columns"] == ["source"]
