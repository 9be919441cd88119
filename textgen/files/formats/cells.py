"""The cells of CSV and TSV tables, row by row, as their lines come."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from textgen.errors import DataError
from textgen.files.lines import BrokenLineError, Line, line_text
from textgen.text.blank import is_blank
from textgen.text.line_ends import LINE_END

TAB = "\t"
SEPARATORS = {",": "commas", ";": "semicolons", TAB: "tabs", "|": "vertical bars"}  # that a header may have
LARGEST_CELL = 2**30
LONGEST_ROW = 10_000  # lines; a quotation mark that opens more of them is taken for a mistake

Cells = tuple[int, "list[str] | DataError"]  # the number of a row's first line, and its cells
_NAMED = re.compile('\ufeff*"?sep=([^"\\w\n\r])\\1*"?[\r\n]*', re.IGNORECASE)  # as Excel reads it
_QUOTED = re.compile('"(?:[^"]|"")*"')


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
            bare = _QUOTED.sub("", text)
            most = max(SEPARATORS, key=bare.count)
            separator = expected if certain or expected in bare or most not in bare else most
            return separator, chain([(number, line)], rest)
    return expected, rest


def rows_of_cells(lines: Iterable[Line], separator: str) -> Iterator[Cells]:
    """The cells of every row, the header's first.

    A cell within quotation marks may hold separators, line ends and doubled marks. Where tabs separate, a
    mark is text unless a cell both begins and ends with one and all marks between are doubled.

    Args:
        lines: The lines of a table.
        separator: What separates its cells.
    """
    csv.field_size_limit(LARGEST_CELL)
    return iter(_TabRows(lines, separator) if separator == TAB else _Rows(lines, separator))


class _Rows:
    """Rows as the csv module reads them; where one has no end, reading goes on at its second line.

    Every line is read at most twice, as the beginning of a row and as the inside of a quoted cell, however
    many rows have no end.

    Args:
        lines: The lines of a table.
        separator: What separates its cells.
    """

    def __init__(self, lines: Iterable[Line], separator: str) -> None:
        self._lines = enumerate(lines)
        self._separator = separator
        self._ahead: dict[int, Line] = {}  # lines by their place, from that of the row at hand
        self._open = 0  # from the last row's first line to before here, no line ends a quoted cell
        self._inside: tuple[int, list[str] | csv.Error | None] = (-1, None)  # of a cell: a line as such

    def __iter__(self) -> Iterator[Cells]:
        place = 0
        while self._there(place):
            number, line = self._ahead[place]
            last = place
            if isinstance(line, DataError) and not isinstance(line, BrokenLineError):
                yield number, line
            elif not is_blank(self._text(place)) or self._separator in self._text(place):
                cells, last = self._row(place)
                taken = (self._ahead[at][1] for at in range(place, last + 1))
                if (broken := next((one for one in taken if isinstance(one, DataError)), None)) is not None:
                    yield number, broken
                elif isinstance(cells, csv.Error):
                    hint = "is a quotation mark missing?"
                    problem = "line {number} is no row: {reason}"
                    yield number, DataError(problem, number=number, reason=cells, hint=hint)
                else:
                    yield number, cells
            for at in range(place, last + 1):
                del self._ahead[at]
            place = last + 1

    def _row(self, place: int) -> tuple[list[str] | csv.Error, int]:
        """The cells of the row that begins in a line, or what is wrong with it; and its last line's place."""
        if (found := self._parsed(self._text(place))) is not None:
            return found, place
        at = max(place + 1, self._open)
        while at - place <= LONGEST_ROW and self._there(at):
            if self._inside[0] != at:
                self._inside = at, self._parsed('"' + self._text(at))
            if self._inside[1] is None:  # the mark is still open
                at = self._open = at + 1
            elif isinstance(self._inside[1], csv.Error):
                return self._inside[1], place
            else:
                texts = map(self._text, range(place, at + 1))
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

    def _text(self, place: int) -> str:
        """The text of a line that has been read."""
        return line_text(self._ahead[place][1])

    def _there(self, place: int) -> bool:
        """Read up to a line, and tell whether there is one."""
        if place not in self._ahead:
            self._ahead.update(islice(self._lines, 1))
        return place in self._ahead


class _TabRows(_Rows):
    """Rows in which a quotation mark may be text, and may be what Excel puts around a cell."""

    _width = 0  # of the header, once it is read

    def _row(self, place: int) -> tuple[list[str] | csv.Error, int]:
        text = self._text(place)
        plain = text.rstrip("\r\n").split(TAB)
        found, last = super()._row(place) if '"' in text else (plain, place)
        if isinstance(found, csv.Error) or not self._fits(found, place, last):
            found, last = [self._unquoted(cell) for cell in plain], place
        self._width = self._width or len(found)
        return found, last

    def _fits(self, cells: list[str], place: int, last: int) -> bool:
        """Whether lines are those of one row, with as many cells as the header.

        A cell of several lines holds no tab: those in which rows of the table lie are no cell. In a table of
        one column any line might be a row itself: Excel ends rows by CRLF, and lines within a cell by LF.
        """
        if self._width and (len(cells) < self._width or any(cells[self._width :])):
            return False
        if last == place:
            return True
        inner = any(self._text(at).endswith("\r\n") for at in range(place, last))
        folded = self._width > 1 or (self._text(last).endswith("\r\n") and not inner)
        return folded and not any(TAB in cell and LINE_END.search(cell) for cell in cells)

    def _unquoted(self, cell: str) -> str:
        """A cell without the quotation marks around it, if it has such."""
        found = self._parsed(cell) if cell.startswith('"') else None
        return found[0] if isinstance(found, list) else cell
