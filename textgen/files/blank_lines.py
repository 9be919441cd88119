"""Blank lines of the input: they give no row, but a text output has them, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from textgen.errors import DataError
from textgen.files.lines import Line
from textgen.schema import Row
from textgen.text.blank import is_blank


class FullLines:
    """The lines of a file that are not blank.

    Args:
        lines: All of its lines.

    Attributes:
        read: How many lines have been read.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines
        self.read = 0

    def __iter__(self) -> Iterator[Line]:
        for number, line in self._lines:
            self.read = number
            if isinstance(line, DataError) or not is_blank(line):
                yield number, line


def between_blank_lines(rows: Iterable[tuple[int, Row]], lines: FullLines) -> Iterator[Row]:
    """The rows, told how many blank lines there are before each of them and behind the last one.

    Args:
        rows: The number of the line that a row was made of, and the row.
        lines: What they are made of.
    """
    last, held = 0, None
    for number, row in rows:
        if held is not None:
            yield held
        held = replace(row, blank_before=number - last - 1)
        last = number
    if held is not None:
        yield replace(held, blank_after=lines.read - last)
