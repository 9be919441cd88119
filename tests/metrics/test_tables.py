"""Predictions and references from files: names, fields, and what is refused."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from textgen.errors import DataError, TextgenError, UsageError
from textgen.events import Event
from textgen.files.formats.base import Records
from textgen.files.formats.registry import output_formats
from textgen.files.rows import FileRows
from textgen.metrics.tables import (
    Prediction,
    Reference,
    check_known,
    read_predictions,
    read_references,
)
from textgen.options import EvalOptions, InputOptions


def jsonl(path: Path, *rows: Any) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(id: object, *texts: str, error: str | None = None) -> dict[str, Any]:
    return {"id": id, "candidates": [{"text": text} for text in texts], "error": error}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_the_first_candidate_is_the_prediction(path: Path) -> None:
    jsonl(path, record("b", "甲", "乙"), record("a", "丙"), record("c", error="empty"), record("d"), {})
    with pytest.raises(DataError, match="line 5 has no list of candidates"):
        read_predictions(path)
    jsonl(path, record("b", "甲", "乙"), record("a", "丙"), record("c", error="empty"), record("d"))
    found = read_predictions(path)
    assert list(found.values()) == [
        Prediction("b", "甲"),
        Prediction("a", "丙"),
        Prediction("c", "", failed=True),
        Prediction("d", "", failed=True),
    ]
    assert list(found) == ["b", "a", "c", "d"]


IDS = ["a", 7, None, "", True, 2.5, 0, "x\ud800", [1], False]


def test_rows_are_called_as_the_reader_of_articles_calls_them(path: Path) -> None:
    rows = [{"id": id, "text": "文", "title": "题"} for id in IDS] + [{"text": "文", "title": "题"}]
    path.write_text("\n\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    expected = [row.name for row in FileRows([str(path)], InputOptions())]
    assert list(read_references(path, EvalOptions())) == expected
    assert expected[:4] == ["a", "7", "3", "4"]
    assert expected[-1] == "11"
    jsonl(path, *({**record(id, "题")} for id in IDS))
    assert list(read_predictions(path)) == expected[:-1]


def test_fields(path: Path) -> None:
    jsonl(
        path,
        {"id": 1, "title": "题", "text": "文", "keywords": ["春天", " 山 ", "春天", ""]},
        {"id": 2, "title": "题", "keywords": "春天，山, 水；火、土 木"},
        {"id": 3, "title": "题", "text": None, "keywords": None, "head": "头", "words": "甲"},
    )
    one, two, three = read_references(path, EvalOptions()).values()
    assert one == Reference("1", "题", "文", ("春天", "山", "春天"))
    assert two == Reference("2", "题", None, ("春天", "山", "水", "火", "土 木"))
    assert three == Reference("3", "题", None, ())
    jsonl(path, {"head": "头", "body": "身", "words": ["甲"], "text": "文", "keywords": "乙"})
    fields = EvalOptions(reference_field="head", source_field="body", keywords_field="words")
    found = read_references(path, fields)
    assert found == {"1": Reference("1", "头", "身", ("甲",))}


@pytest.mark.parametrize(("suffix", "cell"), [(".csv", '"文，\n""下"""'), (".tsv", '"文"，下')])
def test_other_tables(tmp_path: Path, suffix: str, cell: str) -> None:
    comma = "," if suffix == ".csv" else "\t"
    path = tmp_path / f"rows{suffix}"
    lines = [["id", "title", "text", "keywords"], ["a", "题", cell, "山、水"], ["", "题二", "文", ""]]
    path.write_text("\n".join(comma.join(line) for line in lines), encoding="gb18030")
    text = '文，\n"下"' if suffix == ".csv" else cell
    assert list(read_references(path, EvalOptions()).values()) == [
        Reference("a", "题", text, ("山", "水")),
        Reference("2", "题二", "文", ()),
    ]


GOOD = {"id": "a", "title": "题"}


@pytest.mark.parametrize(
    ("rows", "fields", "kind", "words"),
    [
        (["{broken"], EvalOptions(), DataError, "line 1 is not JSON"),
        ([GOOD, '{"id":'], EvalOptions(), DataError, "line 2 is not JSON"),
        ([GOOD, ["题"]], EvalOptions(), DataError, "line 2 is not an object"),
        ([GOOD, GOOD], EvalOptions(), DataError, "two rows with the id 'a'"),
        ([{"title": "题"}, {"id": 1, "title": "题"}], EvalOptions(), DataError, "two rows with the id '1'"),
        ([GOOD, {"id": "b"}], EvalOptions(), DataError, "line 2 has no field 'title'"),
        ([GOOD, {"title": 5}], EvalOptions(), DataError, "line 2: 'title' is not text"),
        ([GOOD, {"title": " \u3000"}], EvalOptions(), DataError, "line 2: 'title' is empty"),
        ([GOOD, {"title": "\ud800"}], EvalOptions(), DataError, "lone surrogate"),
        ([{**GOOD, "text": 5}], EvalOptions(), DataError, "'text' is not text"),
        ([{**GOOD, "keywords": 5}], EvalOptions(), DataError, "line 1: keywords must be text"),
        ([{**GOOD, "keywords": ["甲", 5]}], EvalOptions(), DataError, "line 1: a keyword must be text"),
        ([GOOD], EvalOptions(reference_field="head"), UsageError, "no field 'head'"),
        ([GOOD], EvalOptions(source_field="body"), UsageError, "no field 'body'"),
        ([GOOD], EvalOptions(keywords_field="words"), UsageError, "no field 'words'"),
    ],
)
def test_references_that_cannot_be_used(
    path: Path, rows: list[Any], fields: EvalOptions, kind: type[TextgenError], words: str
) -> None:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    with pytest.raises(kind, match=words) as caught:
        read_references(path, fields)
    assert type(caught.value) is kind
    assert words == "lone surrogate" or caught.value.hint or caught.value.line.endswith(")")


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        ([GOOD], UsageError, "no field 'candidates'"),
        ([record("a", "甲"), {"id": "b"}], DataError, "line 2 has no list of candidates"),
        ([{"id": "a", "candidates": ["甲"]}], DataError, "line 1 has no list of candidates"),
        ([{"id": "a", "candidates": [{}]}], DataError, "the first candidate's text is missing"),
        ([record("a", "甲"), record("a", "乙")], DataError, "two rows with the id 'a'"),
        ([record("a", error="x"), record("b")], DataError, "only error records"),
        ([record("a", "\udfff")], DataError, "lone surrogate"),
    ],
)
def test_predictions_that_cannot_be_used(
    path: Path, rows: list[Any], kind: type[TextgenError], words: str
) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(kind, match=words) as caught:
        read_predictions(path)
    assert type(caught.value) is kind


def test_paths(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none.jsonl", "no such file"),
        (tmp_path, "is a folder"),
        (Path("x" * 5000), "too long"),
    ):
        with pytest.raises(UsageError, match=words):
            read_predictions(path)
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match="empty"):
        read_predictions(tmp_path / "empty.jsonl")
    bad = tmp_path / "bad.csv"
    bad.write_text('id,title\n1,"题\n', encoding="utf-8")
    with pytest.raises(DataError, match="a quotation mark is not closed"):
        read_references(bad, EvalOptions())
    bad.write_text("id,title\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no rows"):
        read_references(bad, EvalOptions())
    bad.write_text("id,title\n1,题,多\n", encoding="utf-8")
    with pytest.raises(DataError, match="more cells"):
        read_references(bad, EvalOptions())


def test_unknown_predictions_are_refused() -> None:
    known = {"a": Reference("a", "题"), "b": Reference("b", "题")}
    check_known(Path("p"), {"b": Prediction("b", "")}, known)
    with pytest.raises(UsageError, match="lacks 1 of 2 ids, 'c' first") as caught:
        check_known(Path("p"), {name: Prediction(name, "") for name in "ac"}, known)
    assert caught.value.hint
    assert caught.value.hint.startswith("id_field names")


def test_ids_are_those_of_the_field_that_was_named_in_every_row(path: Path) -> None:
    jsonl(path, {"编号": "2", "title": "甲"}, {"编号": 1, "title": "乙"})
    assert list(read_references(path, EvalOptions(id_field="\ufeff编号 "))) == ["2", "1"]
    with pytest.raises(UsageError, match="no field 'no'") as caught:
        read_references(path, EvalOptions(id_field="no"))
    assert caught.value.hint == "id_field one of: 编号, title"
    jsonl(path, {"编号": "2", "title": "甲"}, {"编号": float("nan"), "title": "乙"})
    with pytest.raises(DataError, match="line 2 has nothing in the field '编号'"):
        read_references(path, EvalOptions(id_field="编号"))


def test_ids_are_never_paired_with_the_numbers_of_rows(path: Path) -> None:
    jsonl(path, {"编号": "2", "title": "甲"}, {"编号": "1", "title": "乙"})
    by_number = read_references(path, EvalOptions())
    with pytest.raises(UsageError, match="p has ids, and no row of the reference has one"):
        check_known(Path("p"), {name: Prediction(name, "") for name in "21"}, by_number)
    check_known(Path("p"), {name: Prediction(name, "") for name in "12"}, by_number)
    by_id = read_references(path, EvalOptions(id_field="编号"))
    check_known(Path("p"), {name: Prediction(name, "") for name in "21"}, by_id)


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.json", "rows.csv", "rows.csv.xz", "rows.tsv"])
def test_packed_files_arrays_and_semicolons_are_read_as_batches_read_them(tmp_path: Path, name: str) -> None:
    rows = [{"id": "甲", "title": "题，一"}, {"id": "乙", "title": "题二"}]
    text = json.dumps(rows, indent=1) if "json" in name else "\ufeffid;title \n甲;题，一\n乙;题二\n"
    if ".jsonl" in name:
        text = "\r\n".join(map(json.dumps, rows))
    pack: Any = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(text.encode("utf-16")))
    told: list[Event] = []
    found = read_references(tmp_path / name, EvalOptions(), on_event=told.append)
    assert found == {"甲": Reference("甲", "题，一"), "乙": Reference("乙", "题二")}
    assert len(told) == ("json" not in name)


def pack(path: Path, data: bytes) -> Path:
    packed: Any = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix, bytes)
    path.write_bytes(packed(data))
    return path


RECORDS = [record("乙", "春天, 来了", "无关"), record("甲", error="the text is empty"), record("丙", "秋")]
EXPECTED = [Prediction("乙", "春天, 来了"), Prediction("甲", "", failed=True), Prediction("丙", "秋")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson.xz", "a.json", "a.part", "a"])
def test_predictions_are_records_of_any_ending_packed_or_not(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / name, "\n".join(map(json.dumps, RECORDS)).encode("utf-16"))
    assert list(read_predictions(path).values()) == EXPECTED


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv.xz", "a.parquet"])
def test_predictions_are_a_table_with_a_row_a_candidate(tmp_path: Path, name: str) -> None:
    (tmp_path / "records").write_text("".join(json.dumps(one) + "\n" for one in RECORDS), encoding="utf-8")
    written = tmp_path / f"b{'.parquet' if 'parquet' in name else '.csv'}"
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    write = output_formats()[written.suffix].write
    assert write
    write(Records(tmp_path / "records"), written)
    data = written.read_bytes()
    if "tsv" in name:
        cells = csv.reader(data.decode("utf-8-sig").splitlines())
        data = "".join("\t".join(row) + "\n" for row in cells).encode()
    assert list(read_predictions(pack(tmp_path / name, data)).values()) == EXPECTED


def test_tables_without_candidates_and_texts_are_no_predictions(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,春天\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no field 'candidates'"):
        read_predictions(tmp_path / "a.csv")
    (tmp_path / "a.txt").write_text("春天\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is no table") as caught:
        read_predictions(tmp_path / "a.txt")
    hint = "give a file of jsonl, csv, tsv, parquet, as run_batch writes them, or output FILE.jsonl"
    assert caught.value.hint == hint
    (tmp_path / "b.csv").write_text("id,candidate,text\n1,1,春天\n1,1,秋\n", encoding="utf-8")
    with pytest.raises(DataError, match="two rows with the id '1'"):
        read_predictions(tmp_path / "b.csv")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,title,title\n1,题,目\n", encoding="utf-8")
    with pytest.raises(DataError, match="two columns are called title"):
        read_references(path, EvalOptions())
    path = jsonl(tmp_path / "rows.jsonl", '{"id": "a", "title": "题", "title ": "目"}')
    with pytest.raises(DataError, match="line 1: two fields are called title"):
        read_references(path, EvalOptions())
