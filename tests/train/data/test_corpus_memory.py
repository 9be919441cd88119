"""Corpora may be larger than memory: what tokenising them takes does not grow with them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

from tiny import SHORT, Bench, some_text

from textgen.events import ignore
from textgen.files.rows import FileRows
from textgen.options import parse
from textgen.options.recipes import OPTIONS
from textgen.train.data.corpus import build_corpus
from textgen.train.recipes import recipe_class
from textgen.train.run import never

ROWS = 260
OTHER = "x" * 8000  # files are read in blocks of a megabyte, which the smaller one fills, too


def write_many(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = some_text(40, number)
            file.write(json.dumps({"text": text, "title": text[:5], "other": OTHER}) + "\n")
    return path


def peak(bench: Bench, recipe: str, rows: int) -> int:
    """The most bytes of Python objects and arrays at a time while rows are tokenised."""
    path = write_many(bench.folder / f"{rows}.jsonl", rows)
    kind = recipe_class(recipe)
    made = kind(parse(OPTIONS[recipe], SHORT | bench.starts(recipe), user=recipe))
    files = FileRows([str(path)], made.options.reading)
    tracemalloc.start()
    try:
        corpus = build_corpus(files, made, bench.folder / f"{recipe}-{rows}", never, ignore)
        assert len(corpus) >= rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_rows_take_no_more(bench: Bench) -> None:
    peak(bench, "gpt2", 10)  # what is made once
    few, many = peak(bench, "gpt2", ROWS), peak(bench, "gpt2", 10 * ROWS)
    file = (bench.folder / f"{10 * ROWS}.jsonl").stat().st_size
    assert many < few + file / 100, (few, many, file)
