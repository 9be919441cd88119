"""A format that another package brings is read, written, refused and evaluated like our own."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import echo_backend
import pytest
from echo import some_texts
from echo_backend import Bench

from textgen import plugins
from textgen.errors import UsageError
from textgen.files.formats import registry
from textgen.files.formats.base import File, Format, Records, Selection, Value
from textgen.files.formats.registry import formats, output_formats
from textgen.files.rows import FileRows
from textgen.metrics.tables import read_predictions
from textgen.options import InputOptions

bench = pytest.fixture(echo_backend.bench)


def _read(file: File, selection: Selection) -> tuple[str, Iterator[Value]]:
    """A row a line, `name=value` with `&` between them."""
    lines = ((number, line) for number, line in file.lines() if isinstance(line, str))
    return "line", (
        (number, dict(part.split("=", 1) for part in line.strip().split("&"))) for number, line in lines
    )


def _write(records: Records, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for record in records:
            text = record["candidates"][0]["text"] if record["candidates"] else ""
            file.write(f"id={record['id']}&candidate=1&text={text}\n")


QUERY = Format("query", (".query", ".qs"), read=_read, write=_write)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = [
        SimpleNamespace(name="query", value="toy:QUERY", dist=None, load=lambda: QUERY),
        SimpleNamespace(name="csv", value="toy:QUERY", dist=None, load=lambda: QUERY),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries if group == registry.GROUP else [])
    registry.formats.cache_clear()
    with pytest.warns(plugins.PluginWarning, match="csv of toy:QUERY in textgen.formats is left out"):
        registry.formats()
    yield
    registry.formats.cache_clear()


def test_it_is_known_by_name_and_by_ending() -> None:
    assert tuple(formats()) == (*registry.OWN, "query")
    assert output_formats()[".query"] is QUERY
    assert ".qs" not in output_formats()


@pytest.mark.parametrize("name", ["a.query", "a.QS", "a.query.gz"])
def test_it_is_read_by_its_ending_and_from_folders(tmp_path: Path, name: str) -> None:
    data = "id=甲&text=春天&备注=晴\nid=乙&text=秋天&备注=阴\n".encode("gb18030")
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    for place in (tmp_path / name, tmp_path):
        rows = list(FileRows([str(place)], InputOptions(keep_fields=True)))
        assert [(row.name, row.text, row.fields) for row in rows] == [
            ("甲", "春天", {"备注": "晴"}),
            ("乙", "秋天", {"备注": "阴"}),
        ]


def test_it_is_read_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text=春天\n", encoding="utf-8")
    (row,) = FileRows([str(tmp_path / "a.txt")], InputOptions(format="query"))
    assert row.text == "春天"
    with pytest.raises(UsageError, match="there is no such format") as caught:
        FileRows([str(tmp_path / "a.txt")], InputOptions(format="quary"))
    assert caught.value.hint == "formats: text, lines, jsonl, csv, tsv, parquet, query"


def test_a_run_writes_it_and_eval_reads_it(bench: Bench) -> None:
    bench.give(some_texts(30, bad=8))
    assert bench.run() == 3
    records = read_predictions(bench.out)
    bench.out = bench.folder / "o.query"
    assert bench.run() == 3
    assert bench.out.read_text(encoding="utf-8").count("\n") == 30
    assert {name: one.text for name, one in read_predictions(bench.out).items()} == {
        name: one.text for name, one in records.items()
    }
    assert bench.run("--force", "--csv-safe") == 2
