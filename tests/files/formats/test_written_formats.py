"""Records as tables and as plain text: nothing is lost, and what was kept of the input stays apart."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from textgen.files.formats.base import Records
from textgen.files.formats.csv import CSV
from textgen.files.formats.record_table import COLUMNS
from textgen.files.formats.registry import output_formats
from textgen.files.formats.text import TEXT
from textgen.schema import Candidate, Record, Row

ENDINGS = [end for end, one in output_formats().items() if one.is_table and not one.is_journal]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def candidate(text: str = "公园里的春天", score: float = -0.5, **more: Any) -> Candidate:
    return Candidate(text, score, "mean_logprob", score * 4, 4, "stop", **more)


def record(
    id: str = "甲", *candidates: Candidate, fields: dict[str, Any] | None = None, **more: Any
) -> Record:
    return Record(id, list(candidates or [candidate()]), "title 0a1b", 12, 9, fields=fields, **more)


def failed(id: str = "坏") -> Record:
    return Record(id, [], "title 0a1b", error="line 3 is not JSON")


def converted(ending: str, *records: Record) -> Path:
    """Convert records as a run does, from the lines of its journal."""
    part, path = Path("out.part"), Path(f"out{ending}")
    part.write_bytes(b"".join(one.to_json().encode("utf-8", "backslashreplace") + b"\n" for one in records))
    write = output_formats()[path.suffix.lower()].write
    assert write
    write(Records(part, [Row("文") for _ in records]), path)
    return path


def rows(ending: str, *records: Record) -> list[dict[str, Any]]:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        return list(parquet.read_table(converted(ending, *records)).to_pylist())
    with converted(ending, *records).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def types(*records: Record) -> dict[str, str]:
    pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    schema = parquet.read_schema(converted(".parquet", *records))
    return {name: str(kind) for name, kind in zip(schema.names, schema.types, strict=True)}


def test_csv_is_what_excel_reads() -> None:
    data = converted(".csv", record("甲", candidate('他说："好, 走"'))).read_bytes()
    assert data.startswith("\ufeffid,candidate,text,".encode())
    assert data.endswith(b"\r\n")
    assert '甲,1,"他说：""好, 走""",-0.5,mean_logprob,-2.0,4,stop,12,9,title 0a1b,,\r\n'.encode() in data


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "text", ['a"b', "a,b", "a\nb", "a\r\nb", "a\rb", "\ufeffa", " a ", "=1+1", "", "😀𠮷", "a\tb", '"']
)
def test_texts_come_back_as_they_were(ending: str, text: str) -> None:
    (row,) = rows(ending, record(text or "甲", candidate(text), fields={"备注": text}))
    assert (row["text"], row["备注"]) == (text, text)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_row_for_every_candidate_and_one_for_an_error(ending: str) -> None:
    two = record("甲", candidate("一", -0.25), candidate("二", -0.75), prompt="春天", seed=7)
    found = rows(ending, two, failed(), record("乙"))
    assert [(row["id"], row["text"] or None) for row in found] == [
        ("甲", "一"),
        ("甲", "二"),
        ("坏", None),
        ("乙", "公园里的春天"),
    ]
    assert [str(row["candidate"] or "") for row in found] == ["1", "2", "", "1"]
    assert [row["error"] or None for row in found] == [None, None, "line 3 is not JSON", None]
    assert [str(row["score"]) for row in found[:2]] == ["-0.25", "-0.75"]
    assert [(row["prompt"] or None, str(row["seed"] or "")) for row in found[:3]] == [
        ("春天", "7"),
        ("春天", "7"),
        (None, ""),
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_that_no_row_has_are_left_out_but_the_usual_ones(ending: str) -> None:
    (row,) = rows(ending, record())
    assert not {"prompt", "direction", "chain", "support", "changes", "copied"} & set(row)
    assert list(row) == [name for name in COLUMNS if name in row]
    (row,) = rows(ending, record("甲", candidate(direction="l2r", copied=0.5), prompt="春"))
    assert {"prompt", "direction", "copied"} <= set(row)
    (row,) = rows(ending, failed())
    assert {"text", "score", "tokens", "finish_reason", "seed", "error"} <= set(row)
    assert rows(ending) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_lists_and_objects_are_json(ending: str) -> None:
    kept = {"tags": ["山", 1, None], "nested": {"甲": [1.5]}, "none": []}
    (row,) = rows(ending, record("甲", candidate(support=[]), fields=kept))
    assert {name: json.loads(row[name]) for name in kept} == kept
    assert row["support"] == "[]"
    assert "山" in row["tags"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_kept_field_called_like_one_of_ours_changes_nothing_of_ours(ending: str, name: str) -> None:
    one: dict[str, Any] = {"prompt": "春天", "seed": 7}
    full = candidate(direction="l2r", copied=0.5, support=[], changes=[])
    (plain,) = rows(ending, record("甲", full, **one))
    (row,) = rows(ending, record("甲", full, fields={name: "来自表格"}, **one))
    assert {column: row[column] for column in plain} == plain
    assert [column for column, value in row.items() if value == "来自表格"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_kept_field_takes_the_place_of_another(ending: str) -> None:
    kept = {"text": "一", "input_text": "二", "input_input_text": "三", "": "四"}
    for fields in (kept, dict(reversed(kept.items()))):
        (row,) = rows(ending, record(fields=fields))
        assert row["text"] == "公园里的春天"
        assert {"一", "二", "三", "四"} <= set(row.values())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_field_that_only_some_rows_have_is_null_in_the_others(ending: str) -> None:
    found = rows(ending, record(fields={"a": "甲"}), record(fields={"b": "乙"}), failed())
    assert [(row["a"] or None, row["b"] or None) for row in found] == [
        ("甲", None),
        (None, "乙"),
        (None, None),
    ]


@pytest.mark.parametrize("ending", [*ENDINGS, ".txt"])
def test_half_a_character_does_not_stop_the_others(ending: str) -> None:
    """A row of JSON may hold one: `"\\ud83d"`."""
    broken = record("甲", fields={"备注": "半个\ud83d"})
    if ending == ".txt":
        assert converted(ending, broken, record("乙")).read_text(encoding="utf-8").count("\n") == 2
    else:
        assert [row["id"] for row in rows(ending, broken, record("乙"))] == ["甲", "乙"]


def test_parquet_has_types() -> None:
    full = record(
        "甲", candidate(copied=0.5, direction="l2r"), candidate(copied=1.0), prompt="春", seed=2**63 - 1
    )
    found = types(full)
    kinds = {str: "string", int: "int64", float: "double"}
    assert found == {name: kinds[COLUMNS[name]] for name in found}
    assert {"copied", "direction", "prompt", "seed", "logprob"} <= set(found)
    assert types(failed())["score"] == "double"
    assert [row["seed"] for row in rows(".parquet", full)] == [2**63 - 1] * 2


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, None], "int64", [1, 2, None]),
        ([2**63 - 1, -(2**63)], "int64", [2**63 - 1, -(2**63)]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([1.0, 2.0], "double", [1.0, 2.0]),
        ([True, None, False], "bool", [True, None, False]),
        ([True, 2], "string", ["true", "2"]),
        ([1, "二"], "string", ["1", "二"]),
        ([[1], 2, {"a": None}], "string", ["[1]", "2", '{"a": null}']),
        ([None, None], "string", [None, None]),
        ([10**30, 1, None], "string", [str(10**30), "1", None]),
        ([2**63], "string", [str(2**63)]),
        ([10**400, 1.5], "string", [str(10**400), "1.5"]),
    ],
    ids=[
        *("ints", "int64s", "mixed", "floats", "bools", "bool-int", "int-text", "json", "nulls"),
        *("huge", "unsigned", "huge-float"),
    ],
)
def test_a_kept_column_has_the_type_that_holds_all_of_it(
    values: list[Any], kind: str, expected: list[Any]
) -> None:
    records = [record(fields={"n": value}) for value in values]
    assert types(*records)["n"] == kind
    assert [row["n"] for row in rows(".parquet", *records)] == expected


def test_many_records_are_all_there() -> None:
    records = [record(str(number), candidate(f"第{number}个"), candidate("又一个")) for number in range(1300)]
    records[700:700] = [failed()] * 3
    for ending in ENDINGS:
        found = rows(ending, *records)
        assert len(found) == 2603
        assert [row["id"] for row in found if str(row["candidate"]) == "2"] == list(map(str, range(1300)))
    assert len(converted(".txt", *records).read_text(encoding="utf-8").split("\n")) == 1304


def test_text_is_a_line_a_record_with_tabs_between_candidates() -> None:
    broken = " 一行\n\n二行\r\n\t三行\u2028四行 "
    path = converted(
        ".txt", record("甲", candidate("春天"), candidate("秋天")), failed(), record("乙", candidate(broken))
    )
    assert path.read_bytes() == "春天\t秋天\n\n一行 二行 三行 四行\n".encode()


def test_text_has_an_empty_line_for_a_blank_one_of_the_input() -> None:
    part = Path("out.part")
    part.write_text("".join(one.to_json() + "\n" for one in (record(), failed(), record())), encoding="utf-8")
    TEXT.write(Records(part, [Row("", blank_before=2), Row(""), Row("", blank_after=1)]), Path("out.txt"))
    assert Path("out.txt").read_text("utf-8").split("\n") == [
        "",
        "",
        "公园里的春天",
        "",
        "公园里的春天",
        "",
        "",
    ]


@pytest.mark.parametrize("ending", [".CSV", ".Txt"])
def test_the_case_of_the_ending_does_not_matter(ending: str) -> None:
    assert "公园里的春天" in converted(ending, record()).read_text(encoding="utf-8-sig")


DANGEROUS = ["=1+1", "+86", "-5", "@甲", "\t甲", "\r甲", "＝甲"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_csv_for_spreadsheets_has_an_apostrophe_before_formulas(text: str) -> None:
    failing = Record(text, [], "title 0a1b", error=text)
    one = record(text, candidate(text), fields={text: text, "n": -5})
    part, path = Path("out.part"), Path("out.csv")
    part.write_text(one.to_json() + "\n" + failing.to_json() + "\n", encoding="utf-8")
    for safe in (False, True):
        (CSV.write_inert if safe else CSV.write)(Records(part), path)
        shown = f"'{text}" if safe else text
        with path.open(encoding="utf-8-sig", newline="") as file:
            found, wrong = csv.DictReader(file, strict=True)
        assert (found["id"], found["text"], found[shown], wrong["error"]) == (shown,) * 4
        assert (found["score"], found["n"]) == ("-0.5", "-5")
