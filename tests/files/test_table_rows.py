"""Rows of tables as others write them: Excel, pandas, dumps of JSON; nothing is lost in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from input_files import lines, read

from textgen.errors import DataError, UsageError
from textgen.events import Note
from textgen.files.rows import FileRows
from textgen.options import InputOptions
from textgen.schema import Candidate, Record, Row

pytestmark = pytest.mark.usefixtures("in_folder")


def parquet(name: str, columns: list[str], *values: list[object]) -> str:
    pyarrow = pytest.importorskip("pyarrow")
    writer = pytest.importorskip("pyarrow.parquet")
    writer.write_table(pyarrow.Table.from_arrays([pyarrow.array(list(v)) for v in values], columns), name)
    return name


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet"])
def test_two_columns_of_one_name_are_refused_and_among_others_an_error(name: str) -> None:
    if name.endswith("parquet"):
        parquet(name, ["id", "text", "text "], ["1"], ["一"], ["二"])
    else:
        lines(
            name, *(row.replace(",", "\t" if "tsv" in name else ",") for row in ("id,text,text", "1,一,二"))
        )
    with pytest.raises(DataError, match=rf"^{name}: two columns are called text \("):
        read(name)
    lines("b.jsonl", '{"text": "文"}')
    one, other = read(name, "b.jsonl")
    assert (other.text, one.name) == ("文", name)
    assert one.error
    assert "two columns are called text" in one.error


def test_a_field_that_is_there_twice_is_an_error_of_its_row() -> None:
    lines("a.jsonl", '{"text": "一", "text": "二"}', '{"text": "三"}')
    wrong, right = read("a.jsonl", keep_fields=True)
    assert wrong.error
    assert wrong.error.startswith("line 1: two fields are called text")
    assert right.text == "三"


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\xa0", " "])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_names_of_fields_are_what_is_seen_of_them(form: str, mark: str) -> None:
    names = [f"{mark}编号", f"正文{mark}", f"{mark}词"]
    name = f"a.{form}"
    if form == "parquet":
        parquet(name, names, ["甲"], ["文"], ["春"])
    elif form == "csv":
        lines(name, "\ufeff" + ",".join(names), "甲,文,春")
    else:
        lines(name, json.dumps(dict(zip(names, ["甲", "文", "春"], strict=True))))
    fields = {"id_field": f"编号{mark}", "field": f"{mark}正文", "keywords_field": f"词{mark}"}
    assert read(name, **fields) == [Row("文", "甲", "甲", keywords=("春",))]
    assert read(name, field="正文", keep_fields=True)[0].fields == {"编号": "甲", "词": "春"}


@pytest.mark.parametrize("indent", [None, 1])
def test_the_elements_of_an_array_are_rows(indent: int | None) -> None:
    rows = [{"text": "一"}, {"id": "乙", "text": "二"}, {"text": 3}, "四", ["五"], {"text": None}]
    Path("a.json").write_text("\n" + json.dumps(rows, indent=indent), encoding="utf-8")
    found = read("a.json")
    assert [(row.name, row.id, row.text) for row in found] == [
        ("1", None, "一"),
        ("乙", "乙", "二"),
        ("3", None, ""),
        ("4", None, "四"),
        ("5", None, ""),
        ("6", None, ""),
    ]
    assert [row.place for row in found[:2]] == ["element 1", "element 2"]
    assert [row.error for row in found if row.error] == [
        "element 3: 'text' is not text",
        "element 5 is not an object with fields",
        "element 6 has nothing in the field 'text'",
    ]
    lines("b.jsonl", '{"text": "文"}')
    assert [row.name for row in read("b.jsonl", "a.json")][:3] == ["b.jsonl:1", "a.json:1", "乙"]


def test_an_array_of_texts() -> None:
    Path("train.json").write_text('["第一篇\\n文章", "第二篇"]', encoding="utf-8")
    assert [row.text for row in read("train.json")] == ["第一篇\n文章", "第二篇"]
    assert [row.text for row in read("train.json", field="content", keywords_field="")] == [
        "第一篇\n文章",
        "第二篇",
    ]
    Path("words.json").write_text('["春天、花", ""]', encoding="utf-8")
    assert [row.keywords for row in read("words.json", field=None)] == [("春天", "花"), ()]


def test_one_object_over_several_lines_is_refused() -> None:
    Path("a.json").write_text(json.dumps({"text": "文"}, indent=1), encoding="utf-8")
    with pytest.raises(DataError, match="is one JSON object over several lines, not rows"):
        read("a.json")
    lines("b.json", '{"title": "题"}')
    with pytest.raises(UsageError, match="has no field 'text'"):
        read("b.json")


def test_nan_is_what_is_missing() -> None:
    rows = ['{"id": NaN, "text": "一", "n": 1e400}', '{"id": "b", "text": "二", "keywords": NaN, "n": [NaN]}']
    lines("a.jsonl", *rows, '{"text": NaN}')
    one, two, three = read("a.jsonl", keep_fields=True)
    assert one == Row("一", "1", None, None, (), {"n": None})
    assert two == Row("二", "b", "b", None, (), {"n": [None]})
    assert three.error == "line 3 has nothing in the field 'text'"


def test_nan_in_parquet_is_what_is_missing() -> None:
    nan = float("nan")
    parquet("a.parquet", ["id", "text", "n"], [nan, 2.0], ["一", "二"], [[nan, float("inf")], [1.5]])
    one, two = read("a.parquet", keep_fields=True)
    assert one == Row("一", "1", None, None, (), {"n": [None, None]})
    assert two == Row("二", "2.0", "2.0", None, (), {"n": [1.5]})


def test_records_are_json_whatever_is_in_them() -> None:
    inf = float("inf")
    candidate = Candidate("文", -inf, "mean_logprob", float("nan"), 1, "stop")
    fields = {"a": float("nan"), "b": [inf, {"c": -inf}], "d": (1.5, "x")}
    record = Record("甲", [candidate], "m", fields=fields)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(record.to_json(), parse_constant=refuse)
    assert found == record.to_dict()
    assert found["fields"] == {"a": None, "b": [None, {"c": None}], "d": [1.5, "x"]}
    assert (found["candidates"][0]["score"], found["candidates"][0]["logprob"]) == (None, None)


def test_what_separates_cells_is_told_once_if_it_is_not_as_the_ending_says() -> None:
    lines("a.csv", "sep=;", "id;text", "甲;一, 二")
    lines("b.csv", "id,text", "乙,三")
    rows = FileRows(["a.csv", "b.csv"], InputOptions())
    assert [(row.name, row.text) for row in rows] == [("甲", "一, 二"), ("乙", "三")]
    assert rows.notes == [Note("a.csv: semicolons separate its cells")]
    assert len(list(rows)) == len(rows) == 2
    assert len(rows.notes) == 1


def test_a_format_that_was_named_is_not_guessed() -> None:
    lines("a.csv", "id;text", "甲;一")
    assert read("a.csv") == [Row("一", "甲", "甲")]
    with pytest.raises(UsageError, match="has no field 'text'") as caught:
        read("a.csv", format="csv")
    assert caught.value.hint
    assert "sep=;" in caught.value.hint


def test_excels_unicode_text() -> None:
    text = 'id\ttext\r\n1\t"他说""你好"", 走了。"\r\n2\t"第一行。\n第二行。"\r\n3\t今天\r\n'
    Path("a.txt").write_bytes(text.encode("utf-16"))
    found = [(row.name, row.text) for row in read("a.txt", format="tsv")]
    assert found == [("1", '他说"你好", 走了。'), ("2", "第一行。\n第二行。"), ("3", "今天")]


def test_keywords_that_cannot_be_read_are_an_error_of_their_row() -> None:
    lines("a.csv", "id,keywords", """1,"['广州', '美食']\"""", '2,"[广州，美食]"', "3,广州")
    one, two, three = read("a.csv", field=None)
    assert (one.keywords, three.keywords) == (("广州", "美食"), ("广州",))
    assert two.error
    assert two.error.startswith("line 3: these keywords cannot be read: [广州，美食]")


def test_of_several_files_the_error_of_a_row_with_an_id_names_the_file() -> None:
    lines("a.jsonl", '{"id": "x", "text": 5}', '{"text": 7}', '{"id": "y", "text": "文"}')
    lines("b.csv", "id,text", "z,")
    found = read("a.jsonl", "b.csv")
    assert [(row.name, row.error, row.place) for row in found] == [
        ("x", "a.jsonl, line 1: 'text' is not text", ""),
        ("a.jsonl:2", "line 2: 'text' is not text", ""),
        ("y", None, "a.jsonl, line 3"),
        ("z", None, "b.csv, line 2"),
    ]
    assert read("a.jsonl")[0].error == "line 1: 'text' is not text"
