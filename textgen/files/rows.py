"""Rows from files: articles, prompts, sentences, sets of words.

A row that cannot be read becomes a row with an error, so that the rest goes on; what makes the whole
command pointless (a path that is not there, a field that no row has) is raised, before a model is loaded.
Files are read as streams: once to count their rows, and again as the rows are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from textgen.errors import DataError, UsageError
from textgen.events import Event, OnEvent, ignore
from textgen.files.ambiguity import noting_encodings, noting_tables
from textgen.files.atomic import stamp
from textgen.files.encodings.detection import decode_bytes, read_text
from textgen.files.lines import DAMAGED, LONGEST, damaged, lines_in
from textgen.files.sources import LeaveOut, Source, find_sources, path_kind
from textgen.files.table_rows import table_rows
from textgen.messages import Message, located
from textgen.options.batch import InputOptions
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.keywords import words_of
from textgen.text.line_ends import INNER_BREAK, LINE_END
from textgen.text.names import clean_name


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
        self._notes: list[Event] = []

    def __len__(self) -> int:
        return sum(self._counts)

    @property
    def notes(self) -> list[Event]:
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
    def in_files(self) -> bool:
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
        return [sum(1 for _ in self._rows(source, self._notes.append)) for source in self.sources]

    def _rows(self, source: Source, on_event: OnEvent = ignore) -> Iterator[Row]:
        return source_rows(source, self.options, alone=len(self.sources) == 1, on_event=on_event)


def read_lines(name: str, option: Message) -> list[str]:
    """The lines of a text file that are not blank, without invisible characters.

    A blank stands for what breaks a line where it is shown: no model has a token for that.

    Args:
        name: The file's path.
        option: The option that named it.

    Raises:
        UsageError: There is no such file, or it is no text, or blank.
    """
    if path_kind(name, "check the path") == "folder":
        hint = "it takes a file with one text a line"
        raise UsageError("{option} {name} is a folder", option=option, name=name, hint=hint)
    try:
        lines = [INNER_BREAK.sub(" ", line) for line in lines_in(read_text(Path(name)))]
        return [text for line in lines if (text := clean_name(line))]
    except DataError as error:
        raise UsageError("{option}: {error}", option=option, error=error.message, hint=error.hint) from None


def rows_of(span: Span, options: InputOptions, *, alone: bool) -> Iterator[Row]:
    """The rows of a span; see `source_rows`."""
    return islice(source_rows(span.source, options, alone=alone), span.start, span.stop)


def unusable(name: str, row: Row) -> DataError:
    """The error where a row that cannot be read ends everything; `name` is that of its file."""
    assert row.error is not None
    hint = None if row.error.endswith(")") else "mend the row, or leave it out"
    return DataError("{error}", error=located(name, row.error), hint=hint)


def source_rows(
    source: Source, options: InputOptions, *, alone: bool, on_event: OnEvent = ignore
) -> Iterator[Row]:
    """The rows of a file; where it is not the only one and cannot be read, a single row says so.

    Args:
        source: The file.
        options: How they are read.
        alone: Whether it is the only one; else its label goes before the numbers of its rows.
        on_event: Told what its user should know of how it is read.

    Raises:
        DataError: It is the only one, and cannot be read at all.
        UsageError: Its first row lacks a field that was named.
    """
    prefix = "" if alone else f"{source.label}:"
    try:
        if source.problem is not None:
            raise source.problem
        if source.format.is_table:
            rows = table_rows(source, options, prefix, on_event)
        else:
            texts = source.format.shape == "text"
            found = [_article(source, options)] if texts else _line_rows(source, options, prefix)
            rows = noting_tables(found, source, options, on_event)
        yield from rows if source.format.binary else noting_encodings(rows, source, on_event)
    except DataError as error:
        if alone:
            raise
        yield Row("", name=source.label, error=error.line)


def _article(source: Source, options: InputOptions) -> Row:
    try:
        with source.open() as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            message = Message(
                "{name} is too long for one text: more than {most} bytes",
                name=source.name,
                most=f"{LONGEST:,}",
            )
            raise DataError(message, hint="{@lines} takes a line for a text")
        text = decode_bytes(data, name=source.name)
    except (DataError, *DAMAGED) as error:
        problem = error if isinstance(error, DataError) else damaged(error, source.name)
        return Row("", name=source.label, error=problem.line)
    return _text_row(text, source.label, options)


def _line_rows(source: Source, options: InputOptions, prefix: str) -> Iterator[Row]:
    """The rows of a text, called by the numbers of their lines.

    Blank lines give no row, but a text output has them, too: rows tell how many there are before them.
    """
    number = last = 0
    row = None
    for number, line in source.lines():
        if not isinstance(line, DataError) and is_blank(line):
            continue
        if row is not None:
            yield row
        name = f"{prefix}{number}"
        if isinstance(line, DataError):
            row = Row("", name=name, error=line.line)
        else:
            row = _text_row(LINE_END.sub("", line), name, options, f"line {number}")
        row, last = replace(row, blank_before=number - last - 1), number
    if row is None:
        raise DataError("{name} is empty", name=source.name, hint="it needs at least one line of text")
    yield replace(row, blank_after=number - last)


def _text_row(text: str, name: str, options: InputOptions, place: str = "") -> Row:
    """A text, or a set of words."""
    if options.field:
        return Row(text, name=name, place=place)
    try:
        return Row("", name=name, keywords=words_of(text), place=place)
    except DataError as error:
        located = Message("{place}: {error}", place=place, error=error.line) if place else error.line
        return Row("", name=name, error=located)


class GivenRows(list[Row]):
    """Rows that were given, not read from files."""

    files: ClassVar[list[Path]] = []
    reading: ClassVar[dict[str, Any]] = {}
    notes: ClassVar[list[Event]] = []

    def touched(self) -> bool:
        """Given rows do not change."""
        return False

    def fingerprint(self) -> str:
        """The sha256 of what they hold."""
        held = [(row.text, row.id, row.keywords, *filter(None, [row.choices])) for row in self]
        return sha256(repr(held).encode()).hexdigest()
