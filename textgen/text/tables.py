"""The rows of JSON lines and of tables with delimiters, as their lines come."""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from textgen.errors import DataError
from textgen.text.blank import is_blank
from textgen.text.lines import BrokenLineError, Line

DELIMITERS = {".csv": ",", ".tsv": "\t"}
LARGEST_CELL = 2**30
LONGEST_ROW = 10_000  # lines; a quotation mark that opens more of them is taken for a mistake

Value = tuple[int, Any]  # the number of a row's first line, and the row or what is wrong with it


def json_values(lines: Iterable[Line]) -> Iterator[Value]:
    """Line numbers with the value of each line, or the DataError that reading it gave; no blank lines."""
    for number, line in lines:
        if isinstance(line, DataError):
            yield number, line
        elif not is_blank(line):
            try:
                yield number, json.loads(line.rstrip("\r\n"))
            except (ValueError, RecursionError) as error:
                reason = str(error)
                if isinstance(error, json.JSONDecodeError):
                    reason = f"{error.msg}, column {error.colno}"
                yield number, DataError(f"line {number} is not JSON: {reason}", hint="is the file whole?")


def csv_values(lines: Iterable[Line], delimiter: str, name: str) -> Iterator[Value]:
    """Line numbers and rows, or the DataError of a row; cells beyond the header lie under None.

    Args:
        lines: The header first.
        delimiter: Of `DELIMITERS`. In a table with tabs a quotation mark is text; elsewhere a cell within
            marks may have several lines.
        name: What to call the table.

    Raises:
        DataError: The header cannot be read.
    """
    csv.field_size_limit(LARGEST_CELL)
    rows = iter(_Rows(lines, delimiter))
    _, header = next(rows, (1, None))
    if header is None or isinstance(header, DataError):
        reason = "it has no header" if header is None else header.message
        raise DataError(f"{name}: {reason}", hint="is it a CSV file?")
    for number, cells in rows:
        if isinstance(cells, DataError):
            yield number, cells
            continue
        values: dict[str | None, Any] = dict(zip(header, cells, strict=False))
        values |= dict.fromkeys(header[len(cells) :])
        if len(cells) > len(header):
            values[None] = cells[len(header) :]
        yield number, values


class _Rows:
    """The cells of every row; where one cannot be read, reading goes on at the line behind its first."""

    def __init__(self, lines: Iterable[Line], delimiter: str) -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter
        self._waiting: deque[Line] = deque()  # lines to be read again

    def __iter__(self) -> Iterator[tuple[int, list[str] | DataError]]:
        while (line := self._next()) is not None:
            number, text = line
            if isinstance(text, DataError) and not isinstance(text, BrokenLineError):
                yield number, text
            elif not is_blank(_text(text)) or self._delimiter in _text(text):
                yield number, self._cells(line)

    def _next(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _cells(self, first: Line) -> list[str] | DataError:
        taken = [first]
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self._delimiter == "\t" else csv.QUOTE_MINIMAL
        rows = csv.reader(self._taking(taken), delimiter=self._delimiter, quoting=quoting, strict=True)
        try:
            cells = next(rows)
        except csv.Error as error:
            self._waiting.extendleft(reversed(taken[1:]))
            broken = first[1] if isinstance(first[1], DataError) else None
            hint = "is a quotation mark missing?"
            return broken or DataError(f"line {first[0]} is no row: {error}", hint=hint)
        return next((text for _, text in taken if isinstance(text, DataError)), cells)

    def _taking(self, taken: list[Line]) -> Iterator[str]:
        """The line that was taken, and others as the row goes on; they are added to those taken."""
        yield _text(taken[0][1])
        while len(taken) <= LONGEST_ROW and (line := self._next()) is not None:
            taken.append(line)
            yield _text(line[1])


def _text(line: str | DataError) -> str:
    """The line as far as it can be read: a row has its ends there even where some of it is broken."""
    if isinstance(line, BrokenLineError):
        return line.text
    return "" if isinstance(line, DataError) else line
