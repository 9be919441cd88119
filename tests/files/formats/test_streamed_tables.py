"""Rows of tables, as their lines come: as csv reads them, and an error costs one row."""

from __future__ import annotations

import csv
import io
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from input_files import numbered

from textgen.errors import DataError
from textgen.events import Event, Note
from textgen.files.formats import cells
from textgen.files.formats.csv import csv_values
from textgen.files.lines import lines_in, lines_of

CELLS = st.text(st.sampled_from('春天,"\n\r\t a\u2028；')) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")
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
        ('1,"甲', "a quotation mark is not closed"),
        ('1,"甲"乙', "',' expected after '\"'"),
        ('"1,甲', "a quotation mark is not closed"),
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
    monkeypatch.setattr(cells, "LONGEST_ROW", 3)
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


@pytest.mark.parametrize("delimiter", [",", "\t"], ids=["csv", "tsv"])
def test_cells_beyond_the_header_lie_under_none_and_missing_ones_are_none(delimiter: str) -> None:
    text = "a,b\n1\n1,2\n1,2,3,4\n".replace(",", delimiter)
    assert rows_of(text, delimiter) == [
        (2, {"a": "1", "b": None}),
        (3, {"a": "1", "b": "2"}),
        (4, {"a": "1", "b": "2", None: ["3", "4"]}),
    ]


def test_a_mark_within_a_cell_without_marks_is_text() -> None:
    assert cells_of('id,text\n1,5" 的屏幕\n2,b\n') == [(2, ["1", '5" 的屏幕']), (3, ["2", "b"])]


def test_a_row_may_have_marks_as_text_behind_a_cell_with_lines() -> None:
    text = 'id,text,size\n1,"甲\n乙",5" 屏幕\n2,丙,8\n'
    assert cells_of(text) == [(2, ["1", "甲\n乙", '5" 屏幕']), (4, ["2", "丙", "8"])]


def test_blank_lines_are_no_rows_but_are_counted() -> None:
    assert cells_of("\n \r\na,b\r\n\n1,2\n\n\n3,4\n \n") == [(5, ["1", "2"]), (8, ["3", "4"])]


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


def test_rows_come_before_the_lines_have_ended() -> None:
    endless = ((number, f"{number},x\n" if number > 1 else "a,b\n") for number in itertools.count(1))
    assert [number for number, _ in itertools.islice(csv_values(endless, ",", "a"), 3)] == [2, 3, 4]


def test_two_columns_of_one_name_are_refused() -> None:
    for header in ("id,text,text", "text,id,\ufefftext ", 'text\u200b,"text"'):
        with pytest.raises(DataError, match=r"^a\.csv: two columns are called text \(") as caught:
            rows_of(f"{header}\n1,2,3\n")
        assert caught.value.hint


def test_names_of_columns_have_no_invisible_characters() -> None:
    assert rows_of("\ufeff\ufeffid,\xa0text , 备\u200b注\r\n1, 2 ,3\n") == [
        (2, {"id": "1", "text": " 2 ", "备注": "3"})
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_empty_cells_beyond_the_header_are_nothing(delimiter: str) -> None:
    text = "a,b\n1,2,,\n1,2, ,\ufeff\n1,,,4\n".replace(",", delimiter)
    assert [value for _, value in rows_of(text, delimiter)] == [
        {"a": "1", "b": "2"},
        {"a": "1", "b": "2"},
        {"a": "1", "b": "", None: ["", "4"]},
    ]


def test_columns_without_a_name_are_nothing_while_they_are_empty() -> None:
    assert [value for _, value in rows_of("a,,b,,\n1,2,3,,\n1,2,3,4\n1,2\n")] == [
        {"a": "1", "": "2", "b": "3"},
        {"a": "1", "": "2", "b": "3", None: ["4"]},
        {"a": "1", "": "2", "b": None},
    ]


def found_in(text: str, expected: str = ",", *, certain: bool = False) -> tuple[list[str], list[str]]:
    """The columns of a table, and what was told."""
    told: list[str] = []

    def note(event: Event) -> None:
        assert isinstance(event, Note)
        told.append(event.text)

    values = csv_values(numbered(text), expected, "a.csv", certain=certain, on_event=note)
    return [str(name) for name in next(values)[1]], told


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("id;text\n1;甲, 乙\n", ["id", "text"]),
        ("id|text\n1|2\n", ["id", "text"]),
        ("id\ttext\n1\t2\n", ["id", "text"]),
        ('"id";"te,xt"\n1;2\n', ["id", "te,xt"]),
        ("sep=;\nid;te,xt\n1;2\n", ["id", "te,xt"]),
        ('\ufeff"sep=;"\r\nid;text\r\n1;2\r\n', ["id", "text"]),
        ("SEP=\t\nid\ttext\n1\t2\n", ["id", "text"]),
        ("sep=^\nid^text\n1^2\n", ["id", "text"]),
        ("sep=;;;\nid;text\n1;2\n", ["id", "text"]),
    ],
)
def test_the_header_tells_what_separates_cells(text: str, columns: list[str]) -> None:
    assert found_in(text)[0] == columns
    (note,) = found_in(text)[1]
    assert note.startswith("a.csv: ")
    assert note.endswith("separate its cells")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("text\n1\n", ["text"]),
        ("标题\n甲;乙\n", ["标题"]),
        ("标题，正文\n甲；乙\n", ["标题，正文"]),
        ('"a;b"\n1\n', ["a;b"]),
        ("id,te;xt\n1,2\n", ["id", "te;xt"]),
        ("sep=,\nid,text\n1,2\n", ["id", "text"]),
        ("\n\nid,text\n1,2\n", ["id", "text"]),
    ],
)
def test_commas_separate_where_the_header_has_some_or_nothing_else(text: str, columns: list[str]) -> None:
    assert found_in(text) == (columns, [])


def test_a_format_that_was_named_wins_over_the_looks_of_the_header() -> None:
    assert found_in("id;text\n1;2\n", certain=True) == (["id;text"], [])
    assert found_in("id,text\n1,2\n", "\t", certain=True) == (["id,text"], [])
    assert found_in("sep=;\nid;text\n1;2\n", certain=True)[0] == ["id", "text"]


@pytest.mark.parametrize("broken", ['a","b\n', '"a\n', '1,"x\n', '"\n"a"b\n'])
def test_rows_without_end_take_time_in_proportion_to_the_lines(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    reader = csv.reader

    def counted(lines: list[str], **options: Any) -> Any:
        nonlocal read
        read += sum(map(len, lines))
        return reader(lines, **options)

    monkeypatch.setattr(csv, "reader", counted)
    text = "id,text\n" + broken * 3000
    assert len(rows_of(text)) >= 1500
    assert read < 8 * len(text)
