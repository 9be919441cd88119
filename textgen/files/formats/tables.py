"""The rows of tables with a header, as their lines come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from textgen.errors import DataError
from textgen.files.formats.cells import SEPARATORS, TAB, rows_of_cells, separated
from textgen.files.lines import Line
from textgen.text.blank import is_blank
from textgen.text.names import bare, repeated

DELIMITERS = {".csv": ",", ".tsv": TAB}  # what separates cells, by the file's ending

Value = tuple[int, Any]  # the number of a row's first line, and the row or what is wrong with it


def unheard(note: str) -> None:
    """The callback of a caller who does not want to be told."""


def csv_values(
    lines: Iterable[Line],
    delimiter: str,
    name: str,
    *,
    certain: bool = True,
    tell: Callable[[str], None] = unheard,
) -> Iterator[Value]:
    """Line numbers and rows, or the DataError of a row.

    Cells beyond the header, or in a column without a name that is not the first such, lie under None; where
    they are all empty, as spreadsheets leave them, they are nothing. A row that is the
    header again is left out.

    Args:
        lines: The header first.
        delimiter: Of `DELIMITERS` (see `textgen.files.formats.cells`); a first line such as
            `sep=;` wins over it.
        name: What to call the table.
        certain: The delimiter is this one, whatever the header looks like.
        tell: Told where it is another one, and of a header that comes again.

    Raises:
        DataError: The header cannot be read, or has a name twice.
    """
    separator, rest = separated(lines, delimiter, certain=certain)
    rows = rows_of_cells(rest, separator)
    _, cells = next(rows, (1, None))
    if cells is None or isinstance(cells, DataError):
        reason = "it has no header" if cells is None else cells.message
        raise DataError(f"{name}: {reason}", hint="is it a CSV file?")
    header = _header(cells, name)
    if separator != delimiter:
        tell(f"{name}: {SEPARATORS.get(separator, repr(separator))} separate its cells")
    again = False
    for number, row in rows:
        if row == cells:  # files with a header each were joined
            if not again:
                tell(f"{name}: line {number} is the header again; such lines are left out")
            again = True
        else:
            yield number, row if isinstance(row, DataError) else _by_name(header, row)


def check_names(names: Iterable[str], name: str) -> None:
    """Refuse a table in which two columns have one name, so that one of them would be lost.

    Args:
        names: Their names.
        name: What to call the table.

    Raises:
        DataError: Two are the same.
    """
    if (twice := repeated(names)) is not None:
        raise DataError(f"{name}: two columns are called {twice}", hint="rename one of them, or delete it")


def _header(cells: list[str], name: str) -> list[str | None]:
    """The names of the columns; None for a column without a name behind another one."""
    names = [bare(cell) for cell in cells]
    check_names(filter(None, names), name)
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
