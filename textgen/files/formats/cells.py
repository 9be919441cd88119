"""The cells of CSV and TSV tables, row by row, as their lines come."""

from __future__ import annotations

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import chain

from textgen.errors import DataError
from textgen.files.lines import BrokenLineError, Line, line_text
from textgen.text.blank import is_blank

TAB = "\t"
SEPARATORS = {",": "commas", ";": "semicolons", TAB: "tabs", "|": "vertical bars"}  # that a header may have
LARGEST_CELL = 2**30
LONGEST_ROW = 10_000  # lines; a quotation mark that opens more of them is taken for a mistake

Cells = tuple[int, "list[str] | DataError"]  # the number of a row's first line, and its cells
_NAMED = re.compile('\ufeff*"?sep=([^"\\w\n\r])\\1*"?[\r\n]*', re.IGNORECASE)  # as Excel reads it
_QUOTED = re.compile('"(?:[^"]|"")*"')
_WITHIN = re.compile('(?:[^"]++|"")*+')  # what lies between a cell's quotation marks, or its beginning


def separated(lines: Iterable[Line], expected: str, *, certain: bool) -> tuple[str, Iterator[Line]]:
    """The separator of the cells of a table.

    A first line such as `sep=;` says it. Else it is what is expected if the header has it, else that of
    `SEPARATORS` which the header has most of; a header without any is that of a single column.

    Args:
        lines: The lines of the table, the header first.
        expected: The separator by the file's ending.
        certain: It is this one, whatever the header looks like.

    Returns:
        The separator, and the lines from the header on.
    """
    rest = iter(lines)
    for number, line in rest:
        text = line_text(line)
        if found := _NAMED.fullmatch(text):
            return found[1], rest
        if not is_blank(text) or expected in text:
            whole = chain([(number, line)], rest)
            return expected if certain else _most_likely(text, expected), whole
    return expected, rest


def _most_likely(header: str, expected: str) -> str:
    bare = _QUOTED.sub("", header)
    if expected in bare:
        return expected
    most = max(SEPARATORS, key=bare.count)
    return most if most in bare else expected


def rows_of_cells(lines: Iterable[Line], separator: str) -> Iterator[Cells]:
    """The cells of every row, the header's first.

    A cell within quotation marks may hold separators, line ends and doubled marks. Where tabs separate, a
    mark is text unless a cell both begins and ends with one and all marks between are doubled.

    Args:
        lines: The lines of a table.
        separator: What separates its cells.
    """
    csv.field_size_limit(LARGEST_CELL)
    return iter(_TabRows(lines, separator) if separator == TAB else _QuotedRows(lines, separator))


class _Rows(ABC):
    """Rows of a line or of several, which are looked at ahead of their turn.

    Args:
        lines: The lines of a table.
        separator: What separates its cells.
    """

    def __init__(self, lines: Iterable[Line], separator: str) -> None:
        self._lines = iter(lines)
        self._separator = separator
        self._ahead: dict[int, Line] = {}  # lines by their place, from that of the row at hand
        self._read = 0

    def __iter__(self) -> Iterator[Cells]:
        place = 0
        while self._there(place):
            number, line = self._ahead[place]
            text = line_text(line)
            last = place
            if isinstance(line, DataError) and not isinstance(line, BrokenLineError):
                yield number, line
            elif not is_blank(text) or self._separator in text:
                cells, last = self.row(place)
                taken = [self._ahead[at][1] for at in range(place, last + 1)]
                broken = next((line for line in taken if isinstance(line, DataError)), None)
                yield number, broken or cells
            for at in range(place, last + 1):
                del self._ahead[at]
            place = last + 1

    @abstractmethod
    def row(self, place: int) -> tuple[list[str] | DataError, int]:
        """The cells of the row that begins in a line, or what is wrong with it; and its last line's place."""

    def text(self, place: int) -> str:
        """A line that is there."""
        return line_text(self._ahead[place][1])

    def _there(self, place: int) -> bool:
        """Whether there is such a line; reads as far as that."""
        while self._read <= place:
            if (line := next(self._lines, None)) is None:
                return False
            self._ahead[self._read] = line
            self._read += 1
        return True


class _QuotedRows(_Rows):
    """Rows as the csv module reads them; where one has no end, reading goes on at its second line.

    Every line is read at most twice, as the beginning of a row and as the inside of a quoted cell, however
    many rows have no end.
    """

    def __init__(self, lines: Iterable[Line], separator: str) -> None:
        super().__init__(lines, separator)
        self._open = 0  # from the last row's first line to before here, no line ends a quoted cell
        self._end: tuple[int, csv.Error | None] = (-1, None)  # what was found there, if anything was

    def row(self, place: int) -> tuple[list[str] | DataError, int]:
        found = self._parsed(self.text(place))
        last = place
        if found is None:
            found, last = self._long_row(place)
        if isinstance(found, csv.Error):
            number, line = self._ahead[place]
            broken = line if isinstance(line, DataError) else None
            problem = DataError(f"line {number} is no row: {found}", hint="is a quotation mark missing?")
            return broken or problem, place
        return found, last

    def _long_row(self, place: int) -> tuple[list[str] | csv.Error, int]:
        """The cells of a row whose first line leaves a quotation mark open, and where it ends."""
        at = max(place + 1, self._open)
        while at - place <= LONGEST_ROW and self._there(at):
            if self._end[0] != at:
                inside = self._parsed('"' + self.text(at))
                if inside is None:  # the mark is still open
                    at = self._open = at + 1
                    continue
                self._end = at, inside if isinstance(inside, csv.Error) else None
            if (error := self._end[1]) is not None:
                return error, place
            texts = [self.text(one) for one in range(place, at + 1)]
            return next(csv.reader(texts, delimiter=self._separator, strict=True)), at
        return csv.Error("a quotation mark is not closed"), place

    def _parsed(self, text: str) -> list[str] | csv.Error | None:
        """The cells of a line; None if it leaves a quotation mark open."""
        reader = csv.reader([text, '"'], delimiter=self._separator, strict=True)
        try:
            cells = next(reader)
        except csv.Error as error:
            return error
        return cells if reader.line_num == 1 else None


class _TabRows(_Rows):
    """Rows in which a quotation mark may be text, and may be what Excel puts around a cell."""

    def __init__(self, lines: Iterable[Line], separator: str) -> None:
        super().__init__(lines, separator)
        self._width = 0  # of the header, once it is read

    def row(self, place: int) -> tuple[list[str] | DataError, int]:
        text = self.text(place)
        plain = text.rstrip("\r\n").split(TAB)
        found, last = plain, place
        if '"' in text:
            found, last = [_unquoted(cell) for cell in plain], place
            if self._width and not (self._fits(plain) and not _opens(plain[-1])):
                found, last = self._quoted(place) or (found, last)
        self._width = self._width or len(found)
        return found, last

    def _fits(self, cells: list[str]) -> bool:
        return len(cells) >= self._width and not any(cells[self._width :])

    def _quoted(self, place: int) -> tuple[list[str], int] | None:
        """The row if it has quoted cells with tabs or line ends in them, and as many cells as the header."""
        cells: list[str] = []
        rest, at = self.text(place), place
        while True:
            if (quoted := self._cell(rest, at)) is not None:
                cell, rest, at = quoted
            else:
                end = rest.find(TAB)
                cell, rest = (rest, "") if end < 0 else (rest[:end], rest[end:])
                cell = cell.rstrip("\r\n") if end < 0 else cell
            cells.append(cell)
            if not rest.startswith(TAB):
                break
            rest = rest[1:]
        return (cells, at) if self._fits(cells) and (at == place or self._folded(place, at)) else None

    def _cell(self, rest: str, at: int) -> tuple[str, str, int] | None:
        """A quoted cell at the beginning of what remains of a line, what is behind it, and its last line.

        A cell of several lines holds no tab: those in which rows of the table lie are no cell.
        """
        if not rest.startswith('"'):
            return None
        parts: list[str] = []
        rest, first = rest[1:], at
        while (end := _end_of(_WITHIN, rest)) == len(rest):
            parts.append(rest)
            at += 1
            if TAB in rest or at - first > LONGEST_ROW or not self._there(at):
                return None
            rest = self.text(at)
        parts.append(rest[:end])
        behind = rest[end + 1 :]
        if behind.strip("\r\n") and not behind.startswith(TAB):
            return None
        if at > first and TAB in parts[-1]:
            return None
        return "".join(parts).replace('""', '"'), behind, at

    def _folded(self, place: int, last: int) -> bool:
        """Whether lines are those of one row: in a table of one column, any line might be a row itself.

        Excel ends rows by CRLF, and lines within a cell by LF.
        """
        if self._width > 1:
            return True
        inner = (self.text(at) for at in range(place, last))
        return self.text(last).endswith("\r\n") and not any(line.endswith("\r\n") for line in inner)


def _opens(cell: str) -> bool:
    """Whether a cell begins with a quotation mark and does not end with its other one."""
    return cell.startswith('"') and _unquoted(cell) is cell


def _unquoted(cell: str) -> str:
    """A cell without the quotation marks around it, if it has such."""
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and _end_of(_WITHIN, cell[1:-1]) == len(cell) - 2:
        return cell[1:-1].replace('""', '"')
    return cell


def _end_of(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    assert found is not None
    return found.end()
