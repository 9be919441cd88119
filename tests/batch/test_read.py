"""Rows from files of every form: the same ones each time, none lost, and an error costs one row."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import re
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from textgen.batch.read import FileRows, GivenRows, read_lines, rows_of
from textgen.errors import DataError, UsageError
from textgen.options import InputOptions
from textgen.schema import Row

ROWS = [
    {"id": "甲", "text": "今天天气很好，我们去公园吧。", "keywords": "公园、天气", "备注": "晴"},
    {"id": "", "text": '他说："明天, 再来"', "keywords": "", "备注": ""},
    {"id": "丙", "text": "", "keywords": "春天", "备注": "空"},
    {"id": "007", "text": " 两边有空格 ", "keywords": '["一, 二", "三"]', "备注": "a|b"},
]
FORMS = ["jsonl", "ndjson", "csv", "tsv", "parquet"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, rows: list[dict[str, Any]] = ROWS) -> str:
    """Write a table in the form that the name's ending tells."""
    if name.endswith("parquet"):
        pyarrow = pytest.importorskip("pyarrow")
        pyarrow.parquet = pytest.importorskip("pyarrow.parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), name)
        return name
    file = io.StringIO(newline="")
    if "json" in name:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif ".tsv" in name:
        file.writelines("\t".join(cells) + "\n" for cells in [list(rows[0]), *(row.values() for row in rows)])
    else:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pack: Any = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(name).suffix, bytes)
    Path(name).write_bytes(pack(file.getvalue().encode()))
    return name


def lines(name: str, *texts: str | bytes) -> str:
    parts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    Path(name).write_bytes(b"".join(part + b"\n" for part in parts))
    return name


def read(*inputs: str, **options: Any) -> list[Row]:
    rows = FileRows(inputs, InputOptions(**options))
    found = list(rows)
    assert list(rows) == found
    assert len(rows) == len(found)
    return found


@pytest.mark.parametrize("name", [f"a.{form}" for form in FORMS] + ["a.jsonl.gz", "a.csv.xz", "a.tsv.gz"])
def test_every_form_gives_the_same_rows(name: str) -> None:
    assert read(write(name), keep_fields=True) == [
        Row(ROWS[0]["text"], "甲", "甲", None, ("公园", "天气"), {"备注": "晴"}),
        Row(ROWS[1]["text"], "2", None, None, (), {"备注": ""}),
        Row("", "丙", "丙", None, ("春天",), {"备注": "空"}),
        Row(" 两边有空格 ", "007", "007", None, ("一, 二", "三"), {"备注": "a|b"}),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv"])
def test_tables_in_other_encodings_give_the_same_rows(form: str, encoding: str) -> None:
    expected = read(write(f"a.{form}"), keep_fields=True)
    text = Path(f"a.{form}").read_bytes().decode()
    Path(f"a.{form}").write_bytes(text.encode(encoding))
    assert read(f"a.{form}", keep_fields=True) == expected


def test_a_text_file_is_one_row_or_one_a_line() -> None:
    lines("a.txt", "第一行", "", "  第二行 \r", "\u3000", "第三行")
    assert read("a.txt") == [Row("第一行\n\n  第二行 \r\n\u3000\n第三行\n", "a.txt")]
    expected = [Row("第一行", "1"), Row("  第二行 ", "2"), Row("第三行", "3")]
    assert read("a.txt", lines=True) == expected


def test_parquet_with_nulls_and_lists() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 7, "text": "春天", "keywords": ["甲", "乙"], "n": 1, "tags": {"a": [1]}},
        {"id": None, "text": None, "keywords": None, "n": None, "tags": None},
        {"id": 9, "text": "秋天", "keywords": [], "n": 3, "tags": {"a": []}},
        {"id": 10, "text": "冬天", "keywords": [None], "n": 4, "tags": None},
    ]
    one, two, three, four = read(write("a.parquet", rows), keep_fields=True)
    assert one == Row("春天", "7", "7", None, ("甲", "乙"), {"n": 1, "tags": {"a": [1]}})
    assert two == Row("", "2", None, "line 2 has nothing in the field 'text'", (), {"n": None, "tags": None})
    assert three == Row("秋天", "9", "9", None, (), {"n": 3, "tags": {"a": []}})
    assert four.error
    assert four.error.startswith("line 4: a keyword must be text")


def test_a_large_parquet_file_is_read_whole() -> None:
    rows = [{"text": f"第{number}行"} for number in range(2500)]
    assert [row.text for row in read(write("a.parquet", rows))] == [row["text"] for row in rows]


def test_a_parquet_column_that_is_not_read_costs_nothing() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    late = pyarrow.array([253_402_300_800_000], pyarrow.timestamp("ms"))  # in the year 10000
    parquet.write_table(pyarrow.table({"text": ["春天"], "until": late}), "a.parquet")
    assert read("a.parquet") == [Row("春天", "1")]


def test_spans_together_give_the_rows_between() -> None:
    lines("b.txt", *"甲乙丙丁戊")
    rows = FileRows([write("a.jsonl"), "b.txt", write("c.csv")], InputOptions(lines=True))
    whole = list(rows)
    assert len(whole) == len(rows) == 13
    for start, stop in combinations(range(16), 2):
        spans = rows.spans(start, stop)
        assert [row for span in spans for row in rows_of(span, rows.options, alone=False)] == whole[
            start:stop
        ]
        assert all(span.start < span.stop for span in spans)
    assert [(span.source.label, span.start, span.stop) for span in rows.spans(2, 10)] == [
        ("a.jsonl", 2, 4),
        ("b.txt", 0, 5),
        ("c.csv", 0, 1),
    ]


def test_the_spans_of_one_file_keep_its_numbers() -> None:
    rows = FileRows([lines("a.txt", *"甲乙丙丁")], InputOptions(lines=True))
    (span,) = rows.spans(1, 3)
    assert list(rows_of(span, rows.options, alone=True)) == [Row("乙", "2"), Row("丙", "3")]


def test_rows_of_one_file_are_called_by_number_and_those_of_several_by_file_and_number() -> None:
    write("a.jsonl")
    lines("b.txt", "一", "", "二")
    lines("c.txt", "三")
    assert [row.name for row in read("a.jsonl")] == ["甲", "2", "丙", "007"]
    names = [row.name for row in read("a.jsonl", "c.txt", "b.txt")]
    assert names == ["甲", "a.jsonl:2", "丙", "007", "c.txt", "b.txt"]
    names = [row.name for row in read("b.txt", "c.txt", lines=True)]
    assert names == ["b.txt:1", "b.txt:2", "c.txt:1"]
    Path("x").mkdir()
    lines("x/b.txt", "四")
    assert [row.name for row in read("b.txt", "x", lines=True)] == ["b.txt:1", "b.txt:2", "x/b.txt:1"]


@pytest.mark.parametrize(
    ("given", "id"),
    [("甲", "甲"), (7, "7"), (0, "0"), (None, None), ("", None), (True, "True"), ("x\ud800", "x\\ud800")],
)
def test_ids_come_from_their_field(given: Any, id: str | None) -> None:
    lines("a.jsonl", json.dumps({"text": "文", "key": given, "id": "no"}))
    assert read("a.jsonl", id_field="key") == [Row("文", id or "1", id)]


def test_keywords_come_from_their_field_if_there_is_one() -> None:
    lines("a.jsonl", '{"text": "文", "keywords": ["甲"], "words": "乙，丙"}', '{"text": "文"}')
    assert [row.keywords for row in read("a.jsonl")] == [("甲",), ()]
    assert [row.keywords for row in read("a.jsonl", keywords_field="words")] == [("乙", "丙"), ()]
    assert [row.keywords for row in read("a.jsonl", keywords_field="")] == [(), ()]


def test_no_field_means_none_even_where_a_column_has_no_name() -> None:
    lines("a.csv", ",text", "0,甲", "1,乙")  # as tables with an index are written
    rows = read("a.csv", keywords_field="", keep_fields=True)
    assert [(row.text, row.keywords) for row in rows] == [("甲", ()), ("乙", ())]
    assert [row.fields for row in rows] == [{"": "0"}, {"": "1"}]


def test_fields_are_kept_but_those_that_were_read() -> None:
    row = {"id": 1, "text": "文", "keywords": "甲", "words": "乙", "n": None, "tags": [1, {"a": 2}]}
    lines("a.jsonl", json.dumps(row), '{"text": 5, "n": 1}')
    assert [row.fields for row in read("a.jsonl")] == [None, None]
    rows = read("a.jsonl", keep_fields=True)
    assert [row.fields for row in rows] == [{"words": "乙", "n": None, "tags": [1, {"a": 2}]}, {"n": 1}]
    (kept, _) = read("a.jsonl", keep_fields=True, keywords_field="words", id_field="n")
    assert kept.fields == {"id": 1, "keywords": "甲", "tags": [1, {"a": 2}]}
    (kept, _) = read("a.jsonl", keep_fields=True, keywords_field="")
    assert kept.fields == {"keywords": "甲", "words": "乙", "n": None, "tags": [1, {"a": 2}]}
    lines("a.txt", "文")
    assert read("a.txt", keep_fields=True)[0].fields is None


def test_rows_may_be_sets_of_words() -> None:
    lines("a.txt", "春天 山水 春天", "春天，山 水", '["一, 二"]', "一个", "[1]")
    *rows, wrong = read("a.txt", field=None, lines=True)
    expected = [("春天", "山水"), ("春天", "山 水"), ("一, 二",), ("一个",)]
    assert [(row.text, row.keywords) for row in rows] == [("", words) for words in expected]
    assert wrong.error
    assert wrong.error.startswith("line 5: a keyword must be text")
    lines("b.txt", "春天 山水")
    assert read("b.txt", field=None) == [Row("", "b.txt", keywords=("春天", "山水"))]
    assert [row.keywords for row in read(write("c.csv"), field=None)][:2] == [("公园", "天气"), ()]


CORRUPT = {
    "broken": ('{"text": "半", oops}', "is not JSON"),
    "cut": ('{"text": "半', "is not JSON"),
    "no field": ('{"id": "x", "title": "无"}', "has no field 'text'"),
    "not text": ('{"text": 7}', "'text' is not text"),
    "no object": ('["今天"]', "is not an object with fields"),
    "gbk": ('{"text": "今天天气很好"}'.encode("gbk"), "is not UTF-8"),
    "null": ('{"text": null}', "has nothing in the field 'text'"),
    "keywords": ('{"text": "今天", "keywords": 5}', "keywords must be text"),
    "nuls": ('{"text": "今\0天"}', "is not text"),
}


@pytest.mark.parametrize("kinds", [list(CORRUPT)[:8], list(CORRUPT)], ids=["text", "with-nuls"])
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.xz"])
def test_every_corrupt_line_is_an_error_row_in_its_place(kinds: list[str], ending: str) -> None:
    content: list[Any] = [f'{{"text": "第{number}行"}}' for number in range(300)]
    places = {7 + 31 * index: kind for index, kind in enumerate(kinds)}
    for place, kind in places.items():
        content[place] = CORRUPT[kind][0]
    content[3:3] = ["", "  "]  # blank lines are no rows
    data = Path(lines("a.jsonl", *content)).read_bytes()
    pack: Any = {"jsonl.gz": gzip.compress, "jsonl.xz": lzma.compress}.get(ending, bytes)
    Path(f"b.{ending}").write_bytes(pack(data))
    rows = read(f"b.{ending}")
    assert len(rows) == 300
    assert [index for index, row in enumerate(rows) if row.error] == list(places)
    for index, row in enumerate(rows):
        if index in places:
            assert re.search(rf"\bline {index + 3}\b", row.error or "")
            assert CORRUPT[places[index]][1] in (row.error or "")
            assert "\n" not in (row.error or "")
            assert row.text == ""
        else:
            assert row.text == f"第{index}行"
        assert row.name in (str(index + 1), "x")


def test_an_error_row_keeps_its_id() -> None:
    lines("a.csv", "id,text", "甲,一,多", "乙", "丙,二")
    one, two, three = read("a.csv")
    assert (one.id, one.error) == ("甲", "line 2 has more cells than the header")
    assert (two.id, two.error) == ("乙", "line 3 has nothing in the field 'text'")
    assert three == Row("二", "丙", "丙")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"field": "body"}, "--field"),
        ({"keywords_field": "words"}, "--keywords-field"),
        ({"id_field": "key"}, "--id-field"),
    ],
    ids=["field", "keywords", "id"],
)
def test_a_field_that_the_first_row_lacks_is_refused(form: str, options: dict[str, str], flag: str) -> None:
    write(f"a.{form}")
    (name,) = options.values()
    with pytest.raises(UsageError, match=f"^the first row of a.{form} has no field '{name}'$") as caught:
        read(f"a.{form}", **options)
    assert caught.value.hint == f"{flag} one of: id, text, keywords, 备注"
    lines("b.txt", "文")
    with pytest.raises(UsageError):
        read("b.txt", f"a.{form}", **options)


UNREADABLE = {
    "png.jsonl": b"\x89PNG\r\n\x1a\n\x00\x00",
    "empty.csv": b"",
    "header.csv": b"id,text\n",
    "mark.tsv": b"\xef\xbb\xbf",
    "cut.jsonl.gz": gzip.compress(b'{"text": "a"}\n')[:8],
    "unpacked.jsonl.xz": b'{"text": "a"}\n',
    "wrong.parquet": b"PAR1 and nothing more",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_an_error_alone_and_a_row_among_others(name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    Path(name).write_bytes(UNREADABLE[name])
    with pytest.raises(DataError, match=re.escape(name)) as caught:
        read(name)
    assert caught.value.hint
    lines("b.txt", "文")
    first, wrong, last = read("b.txt", name, "b.txt")
    assert first == last == Row("文\n", "b.txt")
    assert (wrong.name, wrong.error) == (name, caught.value.line)


@pytest.mark.parametrize(
    "data", [b"\n\n", b"\xef\xbb\xbf\n", "\u3000\n\u3000\n".encode()], ids=["ascii", "mark", "wide"]
)
def test_a_file_of_blank_lines_is_no_text(data: bytes) -> None:
    Path("a.txt").write_bytes(data)
    (row,) = read("a.txt")
    assert row.error
    with pytest.raises(DataError):
        read("a.txt", lines=True)


def test_rows_before_the_damage_of_an_archive_stay() -> None:
    content = "".join(f'{{"text": "第{number}行，{number**7}"}}\n' for number in range(5000)).encode()
    packed = gzip.compress(content)
    Path("a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    *rows, wrong = read("a.jsonl.gz")
    assert len(rows) > 1000
    assert [row.text for row in rows] == [f"第{number}行，{number**7}" for number in range(len(rows))]
    assert wrong.error
    assert f"behind line {len(rows)} cannot be read" in wrong.error


def test_the_fingerprint_tells_the_content_and_not_the_folder() -> None:
    def fingerprint(*inputs: str) -> str:
        return FileRows(inputs, InputOptions()).fingerprint()

    Path("x").mkdir()
    first = fingerprint(lines("a.txt", "一"))
    assert fingerprint(lines("x/a.txt", "一")) == fingerprint("a.txt") == first
    assert fingerprint(lines("b.txt", "一")) != first
    assert fingerprint("a.txt", "b.txt") != fingerprint("b.txt", "a.txt")
    assert fingerprint(lines("a.txt", "二")) != first
    rows = FileRows(["a.txt"], InputOptions(lines=True))
    assert (rows.files, rows.reading["lines"]) == ([Path("a.txt")], True)
    given = [
        GivenRows([Row(text, keywords=words)]).fingerprint() for text in "一二" for words in ((), ("一",))
    ]
    assert len(set(given)) == 4


def test_stdin_is_a_file_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["今天天气很好，我们去公园吧", "春眠不觉晓，处处闻啼鸟"]
    data = "\n".join(texts).encode("gbk")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    rows = FileRows(["-"], InputOptions(lines=True))
    assert list(rows) == list(rows) == [Row(texts[0], "1"), Row(texts[1], "2")]
    assert rows.files == []
    Path("stdin").write_bytes(data)
    assert rows.fingerprint() == FileRows(["stdin"], InputOptions(lines=True)).fingerprint()


def test_lines_of_an_option() -> None:
    lines("a.txt", " 一 ", "", "二\r", "\u3000")
    assert read_lines("a.txt", "--avoid-file") == ["一", "二"]
    Path("empty.txt").touch()
    for name, words in (
        (".", "is a folder"),
        ("none.txt", "no such file"),
        ("empty.txt", "--x: empty.txt is"),
    ):
        with pytest.raises(UsageError, match=words):
            read_lines(name, "--x")
