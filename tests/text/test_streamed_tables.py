"""Rows of JSON lines and of tables, as their lines come: as csv reads them, and an error costs one row."""

from __future__ import annotations

import csv
import io
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.errors import DataError
from textgen.text import tables
from textgen.text.lines import lines_in, lines_of, numbered
from textgen.text.tables import csv_values, json_values

CELLS = st.text(st.sampled_from('春天,"\n\r\t a\u2028；')) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8)
)
HEADER = ["id", "text", "", "备注"]


def rows_of(text: str, delimiter: str = ",") -> list[tuple[int, Any]]:
    return list(csv_values(numbered(text), delimiter, "a.csv"))


def cells_of(text: str, delimiter: str = ",") -> list[tuple[int, Any]]:
    """Numbers with the cells of a row, or the message of its error."""
    return [
        (number, value.message if isinstance(value, DataError) else list(value.values()))
        for number, value in rows_of(text, delimiter)
    ]


@given(TABLES)
def test_tables_read_as_csv_reads_them(table: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEADER[: len(table[0]) if table else 2])
    starts = []
    for row in table:
        starts.append(len(lines_in(file.getvalue())) + 1)
        writer.writerow(row)
    text = file.getvalue()
    expected = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows_of(text) == list(zip(starts, expected, strict=True))
    lines = lines_of(lambda: io.BytesIO(text.encode()), "utf-8", "a.csv")
    assert [value for _, value in csv_values(lines, ",", "a.csv")] == expected


def test_a_cell_within_quotation_marks_may_have_lines_commas_and_marks() -> None:
    text = 'id,text\n1,"甲，\r\n""乙"", 丙\n"\n2,"a,b"\n'
    assert cells_of(text) == [(2, ["1", '甲，\r\n"乙", 丙\n']), (5, ["2", "a,b"])]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('1,"甲', "unexpected end of data"),
        ('1,"甲"乙', "',' expected after '\"'"),
        ('"1,甲', "unexpected end of data"),
    ],
)
@pytest.mark.parametrize(
    "rest", ["2,乙\n3,丙\n", '2,"乙"\n3,"丙\n丁"\n', ""], ids=["plain", "quoted", "none"]
)
def test_a_wrong_quotation_mark_costs_only_its_row(broken: str, reason: str, rest: str) -> None:
    expected = [(number + 2, cells) for number, cells in cells_of("id,text\n" + rest)]
    (number, message), *others = cells_of(f"id,text\n0,零\n{broken}\n{rest}")[1:]
    assert number == 3
    assert message.startswith("line 3 is no row: ")
    assert rest or message.endswith(reason)
    assert others == expected


def test_every_unclosed_row_is_an_error_of_its_own() -> None:
    found = rows_of('id,text\n1,"甲\n2,乙\n3,"丙\n4,丁\n5,"戊\n')
    assert [number for number, _ in found] == [2, 3, 4, 5, 6]
    assert [number for number, value in found if isinstance(value, DataError)] == [2, 4, 6]


def test_a_row_may_be_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LONGEST_ROW", 3)
    assert cells_of('id,text\n1,"a\nb\nc\nd"\n2,x\n') == [(2, ["1", "a\nb\nc\nd"]), (6, ["2", "x"])]
    found = rows_of('id,text\n1,"a\nb\nc\nd\ne"\n2,x\n')
    assert isinstance(found[0][1], DataError)
    assert [number for number, _ in found] == [2, 3, 4, 5, 6, 7]
    assert found[-1] == (7, {"id": "2", "text": "x"})


@pytest.mark.parametrize("at", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_line_that_is_no_text_within_a_row_costs_that_row(at: int) -> None:
    parts = ['1,"坏的一行', "第二行，逗号", '第三行"']
    row = b"\n".join(part.encode("gbk" if index == at else "utf-8") for index, part in enumerate(parts))
    data = b"id,text\n" + row + '\n2,"丙\n丁"\n3,戊\n'.encode()
    lines = lines_of(lambda: io.BytesIO(data), "utf-8", "a.csv")
    (number, error), *others = csv_values(lines, ",", "a.csv")
    assert number == 2
    assert isinstance(error, DataError)
    assert error.message == f"line {at + 2} is not UTF-8"
    assert others == [(5, {"id": "2", "text": "丙\n丁"}), (7, {"id": "3", "text": "戊"})]


def test_a_line_that_is_no_text_costs_itself() -> None:
    error = DataError("坏")
    assert list(csv_values([(1, "a,b\n"), (2, error), (3, "1,2\n")], ",", "x")) == [
        (2, error),
        (3, {"a": "1", "b": "2"}),
    ]
    assert list(json_values([(1, "1\n"), (2, error), (3, "3\n")])) == [(1, 1), (2, error), (3, 3)]


@pytest.mark.parametrize("delimiter", [",", "\t"], ids=["csv", "tsv"])
def test_cells_beyond_the_header_lie_under_none_and_missing_ones_are_none(delimiter: str) -> None:
    text = "a,b\n1\n1,2\n1,2,3,4\n".replace(",", delimiter)
    assert rows_of(text, delimiter) == [
        (2, {"a": "1", "b": None}),
        (3, {"a": "1", "b": "2"}),
        (4, {"a": "1", "b": "2", None: ["3", "4"]}),
    ]


def test_a_quotation_mark_is_text_in_a_table_with_tabs() -> None:
    text = 'id\ttext\n1\t"春天"到了\n2\t"没有另一半\n"3\t5" 的屏幕,\\n\r\n'
    assert cells_of(text, "\t") == [
        (2, ["1", '"春天"到了']),
        (3, ["2", '"没有另一半']),
        (4, ['"3', '5" 的屏幕,\\n']),
    ]


def test_a_mark_within_a_cell_without_marks_is_text() -> None:
    assert cells_of('id,text\n1,5" 的屏幕\n2,b\n') == [(2, ["1", '5" 的屏幕']), (3, ["2", "b"])]


def test_a_row_may_have_marks_as_text_behind_a_cell_with_lines() -> None:
    text = 'id,text,size\n1,"甲\n乙",5" 屏幕\n2,丙,8\n'
    assert cells_of(text) == [(2, ["1", "甲\n乙", '5" 屏幕']), (4, ["2", "丙", "8"])]


def test_blank_lines_are_no_rows_but_are_counted() -> None:
    assert cells_of("\n \r\na,b\r\n\n1,2\n\n\n3,4\n \n") == [(5, ["1", "2"]), (8, ["3", "4"])]
    assert list(json_values(numbered('\n{"a":1}\n \n\t\r\n2\r\n\n'))) == [(2, {"a": 1}), (5, 2)]


@pytest.mark.parametrize("delimiter", [",", "\t"], ids=["csv", "tsv"])
def test_a_row_of_empty_cells_is_a_row(delimiter: str) -> None:
    text = "a,b,c\n1,2,3\n,,\n4,5,6\n".replace(",", delimiter)
    assert cells_of(text, delimiter) == [(2, ["1", "2", "3"]), (3, ["", "", ""]), (4, ["4", "5", "6"])]


@pytest.mark.parametrize("text", ["", "\n\n", '"a,b\n1,2\n', 'a,"b"c\n1,2\n'])
def test_a_header_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"^a\.csv: ") as caught:
        rows_of(text)
    assert caught.value.hint


def test_a_header_alone_has_no_rows() -> None:
    assert rows_of("a,b\n") == rows_of("a,b") == []


def test_a_large_cell_is_read() -> None:
    text = "很长的正文，" * 50_000
    assert cells_of(f'id,text\n1,"{text}\n{text}"\n') == [(2, ["1", f"{text}\n{text}"])]


@given(st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)))
def test_json_lines_come_back_with_their_numbers(values: list[Any]) -> None:
    lines = numbered("".join(json.dumps(value, ensure_ascii=True) + "\n" for value in values))
    assert list(json_values(lines)) == list(enumerate(values, 1))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "半', ", column 1"),
        ("{'text': 1}", "Expecting property name enclosed in double quotes, column 2"),
        ('{"a": 1} {"a": 2}', "Extra data, column 10"),
        ("[" * 100_000, ""),
        ("9" * 5000, ""),
    ],
    ids=["cut", "apostrophes", "two", "deep", "huge"],
)
def test_what_is_not_json_costs_only_its_line(line: str, reason: str) -> None:
    one, two, three = json_values(numbered(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n'))
    assert (one, three) == ((1, {"a": 1}), (3, {"a": 3}))
    assert two[0] == 2
    assert isinstance(two[1], DataError)
    assert two[1].message.startswith("line 2 is not JSON: ")
    assert reason in two[1].message


def test_rows_come_before_the_lines_have_ended() -> None:
    endless = ((number, f"{number},x\n" if number > 1 else "a,b\n") for number in itertools.count(1))
    assert [number for number, _ in itertools.islice(csv_values(endless, ",", "a"), 3)] == [2, 3, 4]
    endless = ((number, f"{number}\n") for number in itertools.count(1))
    assert list(itertools.islice(json_values(endless), 3)) == [(1, 1), (2, 2), (3, 3)]
