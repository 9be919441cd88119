"""Rows from files: articles, prompts, sentences, sets of words.

A row that cannot be read becomes a row with an error, so that the rest goes on; what makes the whole
command pointless (a path that is not there, a field that no row has) is raised, before a model is loaded.
Files are read as streams: once to count their rows, and again as the rows are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from textgen.errors import DataError, UsageError
from textgen.events import Event, Note, OnEvent, ignore
from textgen.files.ambiguity import noting_encodings, noting_tables
from textgen.files.atomic import stamp
from textgen.files.blank_lines import FullLines, between_blank_lines
from textgen.files.encodings.detection import decode_bytes, read_text
from textgen.files.lines import DAMAGED, LONGEST, damaged, lines_in
from textgen.files.sources import LeaveOut, Source, find_sources, path_kind
from textgen.files.table_rows import table_rows
from textgen.options.batch import InputOptions
from textgen.schema import Row
from textgen.text.keywords import words_of
from textgen.text.line_ends import INNER_BREAK, LINE_END
from textgen.text.names import bare


@dataclass(frozen=True)
class Span:
    """Some rows of a file, from `start` to before `stop`."""

    source: Source
    start: int
    stop: int


class FileRows:
    """The rows of files, as often as they are asked for; they are counted when their number is.

    Args:
        inputs: Paths, folders, patterns, or `-` for stdin.
        options: How rows are read.
        leave_out: Tells files that folders and patterns do not mean: those that the run itself writes.

    Raises:
        UsageError: A path does not exist; when rows are read, the first of a table lacks a field that was
            named.
        TextgenError: The only input is a folder with nothing to read, or cannot be read when it is.
    """

    def __init__(
        self, inputs: Sequence[str], options: InputOptions, leave_out: LeaveOut | None = None
    ) -> None:
        self.options = options
        self.sources = find_sources(inputs, lines=options.lines, format=options.format, leave_out=leave_out)
        self._found = list(map(stamp, self.files))
        self._notes: list[Note] = []

    def __len__(self) -> int:
        return sum(self._counts)

    @property
    def notes(self) -> list[Note]:
        """Notes for the user on how the files are read."""
        len(self)
        return self._notes

    def __iter__(self) -> Iterator[Row]:
        return (row for source in self.sources for row in self._rows(source))

    def spans(self, start: int, stop: int) -> list[Span]:
        """The spans that hold the rows from `start` to before `stop`."""
        found, first = [], 0
        for source, count in zip(self.sources, self._counts, strict=True):
            begin, end = max(start - first, 0), min(stop - first, count)
            if begin < end:
                found.append(Span(source, begin, end))
            first += count
        return found

    @property
    def lie_in_files(self) -> bool:
        """Whether another process can read them, too."""
        return all(source.spool is None for source in self.sources)

    @property
    def files(self) -> list[Path]:
        """The files that are read."""
        return [source.path for source in self.sources if source.spool is None]

    @property
    def reading(self) -> dict[str, Any]:
        """The options by which the files are read."""
        return self.options.model_dump()

    def touched(self) -> bool:
        """Whether a file has another size or time of change than when it was found."""
        return list(map(stamp, self.files)) != self._found

    def fingerprint(self) -> str:
        """The sha256 of the files."""
        digest = sha256()
        for source in self.sources:
            digest.update(source.label.encode())
            try:
                with source.open_raw() as file:
                    file_digest(file, lambda: digest)  # type: ignore[arg-type]
            except OSError:
                digest.update(b"unreadable")
        return digest.hexdigest()

    @cached_property
    def _counts(self) -> list[int]:
        self._notes.clear()

        def hear(event: Event) -> None:
            if isinstance(event, Note):
                self._notes.append(event)

        return [sum(1 for _ in self._rows(source, hear)) for source in self.sources]

    def _rows(self, source: Source, on_event: OnEvent = ignore) -> Iterator[Row]:
        return rows_or_error(source, self.options, alone=len(self.sources) == 1, on_event=on_event)


def read_lines(name: str, option: str) -> list[str]:
    """The lines of a text file that are not blank, without invisible characters.

    A blank stands for what breaks a line where it is shown: no model has a token for that.

    Raises:
        UsageError: There is no such file, or it is no text, or blank.
    """
    if path_kind(name, "check the path") == "folder":
        raise UsageError(f"{option} {name} is a folder", hint="it takes a file with one text a line")
    try:
        lines = [INNER_BREAK.sub(" ", line) for line in lines_in(read_text(Path(name)))]
        return [text for line in lines if (text := bare(line))]
    except DataError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


def rows_of(span: Span, options: InputOptions, *, alone: bool) -> Iterator[Row]:
    """The rows of a span; see `source_rows`."""
    return islice(rows_or_error(span.source, options, alone=alone), span.start, span.stop)


def rows_or_error(
    source: Source, options: InputOptions, *, alone: bool, on_event: OnEvent = ignore
) -> Iterator[Row]:
    """The rows of a file; where it is not the only one and cannot be read, a single row says so."""
    try:
        yield from source_rows(source, options, alone=alone, on_event=on_event)
    except DataError as error:  # of several inputs the others go on
        if alone:
            raise
        yield Row("", name=source.label, error=error.line)


def unusable(name: str, row: Row) -> DataError:
    """The error where a row that cannot be read ends everything; `name` is that of its file."""
    assert row.error is not None
    hint = None if row.error.endswith(")") else "mend the row, or leave it out"
    return DataError(f"{name}: {row.error}", hint=hint)


def source_rows(
    source: Source, options: InputOptions, *, alone: bool = True, on_event: OnEvent = ignore
) -> Iterator[Row]:
    """The rows of a file.

    Args:
        source: The file.
        options: How they are read.
        alone: Whether it is the only one; else its label goes before the numbers of its rows.
        on_event: Told what its user should know of how it is read.

    Raises:
        DataError: It cannot be read at all.
        UsageError: Its first row lacks a field that was named.
    """
    if source.problem is not None:
        raise source.problem
    prefix = "" if alone else f"{source.label}:"
    if source.format.is_table:
        rows: Iterable[Row] = table_rows(source, options, prefix, on_event)
        yield from rows if source.format.binary else noting_encodings(rows, source, on_event)
        return
    if source.format.shape == "text":
        rows = [_article(source, options)]
    else:
        rows = _line_rows(source, options, prefix)
    yield from noting_encodings(noting_tables(rows, source, options, on_event), source, on_event)


def _article(source: Source, options: InputOptions) -> Row:
    try:
        with source.open() as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            hint = "{@lines} takes a line for a text"
            raise DataError(f"{source.name} is too long for one text: more than {LONGEST:,} bytes", hint=hint)
        text = decode_bytes(data, name=source.name)
    except DataError as error:
        return Row("", name=source.label, error=error.line)
    except DAMAGED as error:
        return Row("", name=source.label, error=damaged(error, source.name).line)
    return Row(text, name=source.label) if options.field else _words_row(text, source.label, "")


def _line_rows(source: Source, options: InputOptions, prefix: str) -> Iterator[Row]:
    """The rows of a text, called by the numbers of their lines."""
    lines = FullLines(source.lines())
    rows = ((number, _line_row(number, text, f"{prefix}{number}", options)) for number, text in lines)
    row = None
    for row in between_blank_lines(rows, lines):
        yield row
    if row is None:
        raise DataError(f"{source.name} is empty", hint="it needs at least one line of text")


def _line_row(number: int, text: str | DataError, name: str, options: InputOptions) -> Row:
    if isinstance(text, DataError):
        return Row("", name=name, error=text.line)
    text = LINE_END.sub("", text)
    place = f"line {number}"
    return Row(text, name=name, place=place) if options.field else _words_row(text, name, place)


def _words_row(text: str, name: str, place: str) -> Row:
    """A set of words."""
    try:
        return Row("", name=name, keywords=words_of(text), place=place)
    except DataError as error:
        return Row("", name=name, error=f"{place}: {error.line}" if place else error.line)


class GivenRows(list[Row]):
    """Rows that were given, not read from files."""

    files: ClassVar[list[Path]] = []
    reading: ClassVar[dict[str, Any]] = {}
    notes: ClassVar[list[Note]] = []

    def touched(self) -> bool:
        """They do not change."""
        return False

    def fingerprint(self) -> str:
        """The sha256 of what they hold."""
        return sha256(repr([(row.text, row.id, row.keywords) for row in self]).encode()).hexdigest()
