"""Rows from files of every form: the same ones each time, and what they are called."""

from __future__ import annotations

import io
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from input_files import FORMS, ROWS, lines, read, write

from textgen.errors import UsageError
from textgen.files.rows import FileRows, GivenRows, read_lines, rows_of
from textgen.options import InputOptions
from textgen.schema import Row

pytestmark = pytest.mark.usefixtures("in_folder")


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
    expected = [Row("第一行", "1"), Row("  第二行 ", "3"), Row("第三行", "5")]
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
    assert two == Row("", "2", None, "row 2 has nothing in the field 'text'", (), {"n": None, "tags": None})
    assert three == Row("秋天", "9", "9", None, (), {"n": 3, "tags": {"a": []}})
    assert four.error
    assert four.error.startswith("row 4: a keyword must be text")


def test_a_large_parquet_file_is_read_whole() -> None:
    rows = [{"text": f"第{number}行"} for number in range(2500)]
    assert [row.text for row in read(write("a.parquet", rows))] == [row["text"] for row in rows]


def test_a_parquet_column_that_is_not_read_costs_nothing() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    late = pyarrow.array([253_402_300_800_000], pyarrow.timestamp("ms"))  # in the year 10000
    parquet.write_table(pyarrow.table({"text": ["春天"], "until": late}), "a.parquet")
    assert read("a.parquet") == [Row("春天", "1")]


def test_files_that_were_joined_have_marks_within() -> None:
    mark = b"\xef\xbb\xbf"
    row = '{"text": "春天"}'
    lines("a.jsonl", mark + row.encode(), mark + row.encode())
    assert [(row.text, row.error) for row in read("a.jsonl")] == [("春天", None)] * 2
    lines("a.csv", mark + b"text,n", "春天,1", mark + "春天,2".encode())
    assert [(row.text, row.error) for row in read("a.csv")] == [("春天", None)] * 2
    lines("a.txt", mark + "春天".encode(), mark + "春天".encode())
    assert [row.text for row in read("a.txt", lines=True)] == ["春天"] * 2
    assert [row.text for row in read("a.txt")] == ["春天\n春天\n"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_lines_is_one_in_every_form(end: str) -> None:
    texts = ["春天\u2028来了", "夏天\x85也来了"]
    for name, written in (
        ("a.txt", texts),
        ("a.jsonl", [json.dumps({"text": text}, ensure_ascii=False) for text in texts]),
        ("a.csv", ["text", *texts]),
        ("a.tsv", ["text", *texts]),
    ):
        Path(name).write_bytes(end.join(written).encode())
        assert [row.text for row in read(name, lines=True)] == texts


def test_rows_of_lines_know_the_blank_lines_around_them() -> None:
    lines("a.txt", "", "一", "", "\u200b", b"\xff", "三", "", "")
    rows = read("a.txt", "a.txt", lines=True)
    assert [row.name for row in rows] == ["a.txt:2", "a.txt:5", "a.txt:6"] * 2
    assert [(row.blank_before, row.blank_after) for row in rows] == [(1, 0), (2, 0), (0, 2)] * 2
    rows = list(
        rows_of(
            FileRows(["a.txt"], InputOptions(lines=True)).spans(1, 3)[0], InputOptions(lines=True), alone=True
        )
    )
    assert [(row.name, row.blank_before, row.blank_after) for row in rows] == [("5", 2, 0), ("6", 0, 2)]


def test_a_line_with_nothing_to_see_is_blank() -> None:
    lines("a.txt", "春天", "\u200b\u200d\ufeff", "\u2028 \x85", "夏天")
    assert [row.text for row in read("a.txt", lines=True)] == ["春天", "夏天"]
    lines("a.jsonl", '{"text": "春天"}', "\u200b", '{"text": "夏天"}')
    assert [row.text for row in read("a.jsonl")] == ["春天", "夏天"]
    lines("blank.txt", "\u200b", "\ufeff\ufeff")
    for form in (True, False):
        (row,) = read("blank.txt", "blank.txt", lines=form)[:1]
        assert (row.error or "").startswith("blank.txt is empty")


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
    assert names == ["b.txt:1", "b.txt:3", "c.txt:1"]
    Path("x").mkdir()
    lines("x/b.txt", "四")
    assert [row.name for row in read("b.txt", "x", lines=True)] == ["b.txt:1", "b.txt:3", "x/b.txt:1"]


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
    expected = [("春天", "山水", "春天"), ("春天", "山 水"), ("一, 二",), ("一个",)]
    assert [(row.text, row.keywords) for row in rows] == [("", words) for words in expected]
    assert wrong.error
    assert wrong.error.startswith("line 5: a keyword must be text")
    lines("b.txt", "春天 山水")
    assert read("b.txt", field=None) == [Row("", "b.txt", keywords=("春天", "山水"))]
    assert [row.keywords for row in read(write("c.csv"), field=None)][:2] == [("公园", "天气"), ()]


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
    lines("a.txt", " 一 ", "", "二\r", "\u3000", "\u200b", "\ufeff三\u2028四\x85五", "六\r七")
    assert read_lines("a.txt", "one_of") == ["一", "二", "三 四 五", "六", "七"]
    Path("empty.txt").touch()
    for name, words in (
        (".", "is a folder"),
        ("none.txt", "no such file"),
        ("empty.txt", "x: empty.txt is"),
    ):
        with pytest.raises(UsageError, match=words):
            read_lines(name, "x")


def test_bytes_that_are_text_in_utf8_and_in_gbk_are_told() -> None:
    told = "is read as UTF-8, but could be GBK as well; convert it if that is wrong"
    for name, options in (("a.txt", InputOptions()), ("a.txt", InputOptions(lines=True))):
        Path(name).write_bytes("些小\n".encode("gbk"))
        assert [note.text for note in FileRows([name], options).notes] == [f"a.txt {told}"]
    Path("a.csv").write_bytes("id,text\n1,专注\n2,抓住\n".encode("gbk"))
    assert [note.text for note in FileRows(["a.csv"], InputOptions()).notes] == [f"a.csv {told}"]
    Path("a.jsonl").write_bytes('{"text": "专注"}\n'.encode("gbk"))
    assert [note.text for note in FileRows(["a.jsonl"], InputOptions()).notes] == [f"a.jsonl {told}"]
    Path("b.txt").write_bytes("些小\n".encode("gbk") + "今天天气很好\n".encode())
    assert FileRows(["b.txt"], InputOptions(lines=True)).notes == []
    Path("c.txt").write_bytes("些小\n今天天气很好\n".encode("gbk"))
    assert FileRows(["c.txt"], InputOptions(lines=True)).notes == []


def test_lines_that_all_have_tabs_may_be_a_table() -> None:
    """As Excel's "Unicode text" is, which ends in .txt."""
    told = "all lines of a.txt have tabs; format tsv reads them as a table"
    Path("a.txt").write_text("标题\t正文\n甲\t乙\n", encoding="utf-16")
    assert [note.text for note in FileRows(["a.txt"], InputOptions(lines=True)).notes] == [told]
    for text in ("甲\t乙\n丙\n", "甲\t乙\n丙\t丁\t戊\n", "甲\n乙\n"):
        Path("b.txt").write_text(text, encoding="utf-8")
        assert FileRows(["b.txt"], InputOptions(lines=True)).notes == []


@pytest.mark.parametrize(
    ("header", "form"),
    [("id,text", "csv"), ('"text";"id"', "csv"), ("标题\ttext", "tsv"), ("text", None), ("text、id", None)],
)
@pytest.mark.parametrize("lines", [True, False])
def test_a_text_that_looks_like_a_table_is_told(header: str, form: str | None, lines: bool) -> None:
    Path("a.txt").write_text(f"{header}\r\n甲,乙\r\n丙丁\r\n", encoding="utf-8")
    told = [note.text for note in FileRows(["a.txt"], InputOptions(lines=lines)).notes]
    assert told == ([f"a.txt looks like a table; format {form} reads its rows"] if form else [])


def test_the_header_again_is_no_row() -> None:
    """Files that were joined have one each."""
    data = "\ufeffid,text\n1,甲\n"
    Path("a.csv").write_text(data * 3, encoding="utf-8")
    rows = FileRows(["a.csv"], InputOptions())
    assert [(row.id, row.text) for row in rows] == [("1", "甲")] * 3
    assert len(rows) == 3
    told = ["a.csv: line 3 is the header again; such lines are left out"]
    assert [note.text for note in rows.notes] == told
