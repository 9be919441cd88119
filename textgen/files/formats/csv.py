"""CSV and TSV: tables with a header, whose cells are separated by a character."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from textgen.errors import DataError
from textgen.events import Note, OnEvent, ignore
from textgen.files.formats.base import File, Format, Records, Selection, Value, check_columns
from textgen.files.formats.cells import SEPARATORS, TAB, rows_of_cells, separated
from textgen.files.formats.record_table import RecordTable
from textgen.files.lines import Line
from textgen.text.blank import is_blank
from textgen.text.names import clean_name

FORMULA = tuple("=+-@＝＋－＠\t\r\n")  # the beginnings of what a spreadsheet takes for a formula


def csv_values(
    lines: Iterable[Line],
    delimiter: str,
    name: str,
    *,
    certain: bool = True,
    on_event: OnEvent = ignore,
) -> Iterator[Value]:
    """Line numbers and rows, or the DataError of a row.

    Cells beyond the header, or in a column without a name that is not the first such, lie under None; where
    they are all empty, as spreadsheets leave them, they are nothing. A row that is the
    header again is left out.

    Args:
        lines: The header first.
        delimiter: The usual separator of the format (see `textgen.files.formats.cells`); a first line such as
            `sep=;` wins over it.
        name: What to call the table.
        certain: The delimiter is this one, whatever the header looks like.
        on_event: Told where it is another one, and of a header that comes again.

    Raises:
        DataError: The header cannot be read, or has a name twice.
    """
    separator, rest = separated(lines, delimiter, certain=certain)
    rows = rows_of_cells(rest, separator)
    _, cells = next(rows, (1, None))
    if cells is None or isinstance(cells, DataError):
        reason = "it has no header" if cells is None else cells.message
        raise DataError("{name}: {reason}", name=name, reason=reason, hint="is it a CSV file?")
    header = _header(cells, name)
    if separator != delimiter:
        marks = SEPARATORS.get(separator, repr(separator))
        on_event(Note("{name}: {marks} separate its cells", name=name, marks=marks))
    again = False
    for number, row in rows:
        if row == cells:  # files with a header each were joined
            if not again:
                message = "{name}: line {number} is the header again; such lines are left out"
                on_event(Note(message, name=name, number=number))
            again = True
        else:
            yield number, row if isinstance(row, DataError) else _by_name(header, row)


def _header(cells: list[str], name: str) -> list[str | None]:
    """The names of the columns; None for a column without a name behind another one."""
    names = [clean_name(cell) for cell in cells]
    check_columns(filter(None, names), name)
    return [None if not one and "" in names[:at] else one for at, one in enumerate(names)]


def _by_name(header: list[str | None], cells: list[str]) -> dict[str | None, Any]:
    values: dict[str | None, Any] = dict(zip(header, cells, strict=False))
    beyond = cells[len(header) :]
    if None in values:
        del values[None]
        beyond += [cell for name, cell in zip(header, cells, strict=False) if name is None]
    values |= dict.fromkeys(name for name in header[len(cells) :] if name is not None)
    if not all(is_blank(cell) for cell in beyond):
        values[None] = beyond
    return values


def _read(delimiter: str, file: File, selection: Selection) -> tuple[str, Iterator[Value]]:
    certain, on_event = selection.certain, selection.on_event
    return "line", csv_values(file.lines(), delimiter, file.name, certain=certain, on_event=on_event)


def _write(shown: Callable[[Any], Any], records: Records, path: Path) -> None:
    """Write records with a byte-order mark, without which Excel takes the text for another encoding."""
    table = RecordTable(records)
    columns = list(table.columns)  # those that are empty throughout are left out
    with path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([shown(name) for name in columns])
        for row in table:
            writer.writerow([shown(row.get(name, "")) for name in columns])


def _inert(cell: Any) -> Any:
    """A cell as a spreadsheet shows it and does not compute it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


CSV = Format(
    "csv",
    (".csv",),
    read=partial(_read, ","),
    write=partial(_write, lambda cell: cell),
    write_inert=partial(_write, _inert),
)
TSV = Format("tsv", (".tsv",), read=partial(_read, TAB))
