"""The record of a file format, and what its reader and its writer are given."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from textgen.errors import DataError, UsageError
from textgen.events import OnEvent, ignore
from textgen.files.encodings.detection import find_encoding
from textgen.files.lines import ARCHIVES, Line, lines_of
from textgen.schema import Row
from textgen.text.names import repeated

STDIN = "-"
Value = tuple[int, Any]  # the number of a row's first line, and the row or the DataError of reading it


@dataclass(frozen=True)
class File:
    """A file that can be read from its beginning any number of times.

    Attributes:
        path: Where it is; `-` is stdin.
        spool: The content of stdin or of a pipe.
    """

    path: Path
    spool: BinaryIO | None = field(default=None, compare=False)

    def open(self) -> BinaryIO:
        """Open it from its beginning, unpacked. Raises OSError."""
        if self.spool is not None:
            return cast(BinaryIO, io.BufferedReader(_Kept(self.spool)))
        return cast(BinaryIO, ARCHIVES.get(self.path.suffix.lower(), open)(self.path, "rb"))

    def lines(self) -> Iterator[Line]:
        """Its lines, in whatever encoding they are. Raises DataError if it is no text at all."""
        return lines_of(self.open, find_encoding(self.open, self.name), self.name)

    @property
    def name(self) -> str:
        """The name that messages call it by."""
        return "stdin" if str(self.path) == STDIN else str(self.path)


@dataclass(frozen=True)
class Selection:
    """The fields that the caller of a reader of tables wants.

    Attributes:
        fields: The fields to read, if they are there; empty for all of them.
        required: Those that must be there; where one is missing, all are read, for a message to list them.
        certain: The user named the format; it was not guessed from the file's ending.
        on_event: Told what the user should know of how the file is read.
    """

    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    certain: bool = False
    on_event: OnEvent = ignore


@dataclass(frozen=True)
class Records:
    """The records of a finished run, which can be read any number of times.

    Attributes:
        path: Where they lie, one JSON object a line.
        rows: The rows that they were made of, one each.
    """

    path: Path
    rows: Iterable[Row] = ()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self.path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                yield json.loads(line)


Reader = Callable[[File, Selection], tuple[str, Iterator[Value]]]
Writer = Callable[[Records, Path], None]


@dataclass(frozen=True)
class Format:
    """A format of files with rows or records.

    Attributes:
        name: The value of the option `format`.
        endings: File endings; an output has the first of them.
        named_endings: Endings of files that are read where they are named, but not found in folders.
        shape: `text`, one text a file; `lines`, one a line; or `table`.
        read: Of a table, gives the name of a row (such as `line`) and the rows with their numbers: a
            dictionary each, or the DataError of a row that cannot be read. Raises DataError.
        write: Writes records to a file. Raises OSError. None where the format is read only.
        write_inert: The same such that a spreadsheet does not compute texts that look like formulas.
        is_journal: Records of a run are kept in this format, so that nothing is to be written.
        binary: It is read at random places and holds no lines: such a file is neither packed nor decoded.
        recognize: Names what the first bytes of a text file show, such as `JSON lines`, if it is this format.
        library: The optional library that it needs.
        extra: The extra of this package that installs the library.
    """

    name: str
    endings: tuple[str, ...] = ()
    named_endings: tuple[str, ...] = ()
    shape: Literal["text", "lines", "table"] = "table"
    read: Reader | None = None
    write: Writer | None = None
    write_inert: Writer | None = None
    is_journal: bool = False
    binary: bool = False
    recognize: Callable[[bytes], str | None] | None = None
    library: str | None = None
    extra: str | None = None

    @property
    def is_table(self) -> bool:
        """Whether its rows have fields."""
        return self.shape == "table"

    @property
    def is_output(self) -> bool:
        """Whether a run can write it."""
        return bool(self.endings) and (self.is_journal or self.write is not None)

    def check_installed(self, name: str) -> None:
        """Raise UsageError if the library that reads or writes a file of this name is not installed."""
        if self.library is not None and find_spec(self.library) is None:
            hint = "pip install '.[{extra}]'" if self.extra else "pip install {library}"
            values = {"format": self.name, "library": self.library, "extra": self.extra}
            raise UsageError("{name}: {format} files need {library}", name=name, hint=hint, **values)


def check_columns(names: Iterable[str], name: str) -> None:
    """Refuse a table in which two columns have one name, so that one of them would be lost.

    Args:
        names: Their names.
        name: The table's name in messages.

    Raises:
        DataError: Two are the same.
    """
    if (twice := repeated(names)) is not None:
        hint = "rename one of them, or delete it"
        raise DataError("{name}: two columns are called {twice}", name=name, twice=twice, hint=hint)


class _Kept(io.RawIOBase):
    """A reader of an open file, with a position of its own beside other readers."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._file.seek(self._at)
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
