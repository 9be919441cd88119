"""Tables with tabs: what Excel puts in quotation marks, and marks that are text."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from input_files import numbered

from textgen.files.formats import cells
from textgen.files.formats.csv import csv_values

CELLS = st.text(st.sampled_from('春天,"\n a；'))


def rows_of(text: str) -> list[list[Any]]:
    return [list(value.values()) for _, value in csv_values(numbered(text), "\t", "a.tsv")]


def as_excel_writes(table: list[list[str]]) -> str:
    """Rows end by CRLF, lines within cells by LF; cells with marks, commas, tabs or lines are in marks."""
    file = io.StringIO(newline="")
    for row in table:
        quoted = ['"' + cell.replace('"', '""') + '"' if set(cell) & set('",\n\t') else cell for cell in row]
        file.write("\t".join(quoted) + "\r\n")
    return file.getvalue()


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_what_excel_writes_comes_back(table: list[tuple[str, str]]) -> None:
    rows = [["1", one, other] for one, other in table]
    assert rows_of(as_excel_writes([["id", "a", "b"], *rows])) == rows


@given(st.lists(st.text(st.sampled_from('春天,"\n a；'), min_size=1).filter(str.strip), max_size=6))
def test_a_column_of_excel_comes_back(column: list[str]) -> None:
    assert rows_of(as_excel_writes([["text"], *([cell] for cell in column)])) == [[cell] for cell in column]


def test_cells_with_tabs_or_lines_as_pandas_writes_them() -> None:
    file = io.StringIO(newline="")
    rows = [["1", "甲\t乙"], ["2", "第一行\n\n第二行"], ["3", '他说"好"'], ["4", "末"]]
    csv.writer(file, delimiter="\t", lineterminator="\n").writerows([["id", "text"], *rows])
    assert rows_of(file.getvalue()) == rows


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_that_has_no_other_is_text(end: str) -> None:
    rows = [
        ["1", '"春天"到了'],
        ["2", '"没有另一半'],
        ['"3', '5" 的屏幕,\\n'],
        ["4", '"'],
        ["5", '"后面也没有'],
        ["6", '另一半在后"'],
        ["7", '"甲"、"乙"'],
    ]
    text = end.join("\t".join(row) for row in [["id", "text"], *rows])
    assert rows_of(text) == rows


def test_lines_with_marks_in_a_table_of_one_column_are_rows_of_their_own() -> None:
    assert rows_of('text\n"你好\n再见"\n"好"\n') == [['"你好'], ['再见"'], ["好"]]


def test_cells_in_which_rows_would_lie_are_text() -> None:
    assert rows_of('id\ttext\tn\n1\t"甲\t5\n2\t乙"\t6\n') == [["1", '"甲', "5"], ["2", '乙"', "6"]]


def test_a_cell_with_a_tab_does_not_end_in_a_line_of_its_own() -> None:
    assert rows_of('id\ttext\n1\t"甲\t乙\n"\n') == [["1", '"甲', ["乙"]], ['"', None]]


def test_cells_with_marks_beside_text_with_marks() -> None:
    assert rows_of('id\ta\tb\n1\t"""好"""\t"春天"到了\n') == [["1", '"好"', '"春天"到了']]


def test_a_cell_may_have_so_many_lines_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "LONGEST_ROW", 2)
    assert rows_of('id\ttext\n1\t"a\nb\nc"\n') == [["1", "a\nb\nc"]]
    assert len(rows_of('id\ttext\n1\t"a\nb\nc\nd"\n')) == 4


def test_the_header_may_be_in_marks_too() -> None:
    (found,) = csv_values(numbered('"编号"\t"text, ""a"""\r\n1\t2\r\n'), "\t", "a.tsv")
    assert found == (2, {"编号": "1", 'text, "a"': "2"})
