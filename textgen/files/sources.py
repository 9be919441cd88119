"""Which files a command reads, and in which form their rows lie there."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from textgen.errors import DataError, UsageError
from textgen.files.formats.json_head import json_at_head
from textgen.files.lines import (
    ARCHIVES,
    DAMAGED,
    SAMPLE,
    Line,
    find_encoding,
    inner_ending,
    lines_of,
    open_unpacked,
)
from textgen.files.patterns import is_pattern, matches, once

STDIN = "-"
TEXT, LINES, PARQUET = "text", "lines", "parquet"  # one text a file, one a line
JSONL, CSV, TSV = "jsonl", "csv", "tsv"
FORMS = {
    ".txt": TEXT,
    ".md": TEXT,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".csv": CSV,
    ".tsv": TSV,
    ".parquet": PARQUET,
}
JSON = ".json"  # read where it is named; in folders such files are often settings
# what stands behind the name of a run's output
MANIFEST, RECORDS, ROWS = ".manifest.json", ".records.jsonl", ".rows"
PART, DRAFT, LOCK = ".part", ".new", ".lock"
BESIDE = (MANIFEST, RECORDS, ROWS, PART, DRAFT, LOCK)
IN_MEMORY = 1 << 20  # bytes of stdin; more of them lie in a temporary file

LeaveOut = Callable[[Path], bool]


@dataclass(frozen=True)
class Source:
    """A file with rows.

    Attributes:
        path: Where it is; `-` is stdin.
        form: `text` (one text), `lines` (one a line), `jsonl`, `csv`, `tsv` or `parquet`.
        label: What its rows are called after.
        spool: What stdin or a pipe held.
        problem: Why there is nothing to read.
    """

    path: Path
    form: str
    label: str
    spool: BinaryIO | None = field(default=None, compare=False)
    problem: DataError | None = None

    def open(self) -> BinaryIO:
        """Open it from its beginning, unpacked. Raises OSError."""
        if self.spool is not None:
            return cast(BinaryIO, io.BufferedReader(_Kept(self.spool)))
        return open_unpacked(self.path)

    def open_raw(self) -> BinaryIO:
        """Open it from its beginning, as it lies on the disk. Raises OSError."""
        return self.path.open("rb") if self.spool is None else self.open()

    def lines(self) -> Iterator[Line]:
        """Its lines, in whatever encoding they are. Raises DataError if it is no text at all."""
        return lines_of(self.open, find_encoding(self.open, self.name), self.name)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "stdin" if str(self.path) == STDIN else str(self.path)


def find_sources(
    inputs: Sequence[str], *, lines: bool, format: str | None = None, leave_out: LeaveOut | None = None
) -> list[Source]:
    """Find the files that inputs name.

    Args:
        inputs: Paths of files or folders, patterns such as `news/*.jsonl`, or `-` for stdin.
        lines: A text file holds a text a line.
        format: The form of all of them, whatever their endings are.
        leave_out: Tells files that folders and patterns do not mean.

    Returns:
        The files in the order of the inputs; those of a folder or pattern by name.

    Raises:
        UsageError: There is no such file, or its form is none we read.
        DataError: The only input is a folder with nothing to read.
    """
    found: list[tuple[Path, DataError | None]] = []
    for name in inputs:
        try:
            found += [(path, None) for path in _expand(name, leave_out or _nothing)]
        except DataError as error:  # of several inputs the others go on
            if len(inputs) == 1:
                raise
            found.append((Path(name), error))
    labels = _labels([path for path, _ in found])
    return [
        _source(
            path,
            format or _form(path, lines=lines),
            label,
            problem,
            sure=format is not None,
            alone=len(found) == 1,
        )
        for (path, problem), label in zip(found, labels, strict=True)
    ]


def _source(
    path: Path, form: str, label: str, problem: DataError | None, *, sure: bool, alone: bool
) -> Source:
    source = Source(path, form, label, None if problem else _spooled(path), problem)
    if problem or sure or form not in (TEXT, LINES):
        return source
    try:
        with source.open() as file:
            held = json_at_head(file.read1(SAMPLE))  # type: ignore[attr-defined]
    except DAMAGED:  # which is told where it is read
        return source
    if held is None:
        return source
    told = f"{source.name} holds {held}, it seems"
    hint = "{@format} jsonl reads its rows, {@format} text or lines takes it for text"
    if alone:
        raise UsageError(told, hint=hint)
    return replace(source, problem=DataError(told, hint=hint))  # of several inputs the others go on


def path_kind(name: str, hint: str = "check the path; `-` reads from stdin") -> str:
    """`file` or `folder`. Raises UsageError if there is neither, or none that can be looked at."""
    try:
        mode = Path(name).stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"no such file: {name}", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        shown = name if len(name) <= 40 else name[:40] + "…"
        hint = "inputs are paths; pipe a text:  … | textgen title -"
        raise UsageError(f"{shown}: {reason}", hint=hint) from None
    return "folder" if stat.S_ISDIR(mode) else "file"


def printable(name: str) -> str:
    """A name that can be written as UTF-8; what cannot is escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _nothing(path: Path) -> bool:
    return False


def _expand(name: str, leave_out: LeaveOut) -> list[Path]:
    path = Path(name)
    if name == STDIN:
        return [path]
    if is_pattern(name) and not os.path.lexists(name):
        return _matches(name, leave_out)
    return [path] if path_kind(name) == "file" else _files_in(path, leave_out)


def _matches(pattern: str, leave_out: LeaveOut) -> list[Path]:
    found = [path for path in matches(pattern) if not (_written_by_us(path) or leave_out(path))]
    if not found:
        raise UsageError(f"no file matches {pattern}", hint="** goes into folders")
    return found


def _files_in(folder: Path, leave_out: LeaveOut) -> list[Path]:
    try:
        known = once(file for file in folder.iterdir() if _known(file) and file.is_file())
        files = [file for file in known if not (_written_by_us(file) or leave_out(file))]
    except OSError as error:
        raise DataError(
            f"cannot read the folder {folder}: {error.strerror}", hint="check its permissions"
        ) from None
    if not files:
        hint = f"it takes {', '.join(FORMS)}, also with {' or '.join(ARCHIVES)} behind them"
        raise DataError(f"no texts in the folder {folder}", hint=hint)
    return files


def _written_by_us(path: Path) -> bool:
    """Whether a file is the output of a run, or lies beside one: the run's manifest says so."""
    if path.name.endswith(RECORDS):
        return True
    outputs = [path.name, *(path.name.removesuffix(end) for end in BESIDE if path.name.endswith(end))]
    outputs += [name.removesuffix(PART) for name in outputs]
    manifests = (name + end for name in outputs for end in (MANIFEST, PART + MANIFEST))
    return any(path.with_name(name).exists() for name in manifests)


def _known(path: Path) -> bool:
    return inner_ending(path) in FORMS


def _form(path: Path, *, lines: bool) -> str:
    ending = inner_ending(path)
    form = JSONL if ending == JSON else FORMS.get(ending, TEXT)
    if form == PARQUET and path.suffix.lower() in ARCHIVES:
        raise UsageError(f"{path}: a packed Parquet file cannot be read", hint="unpack it")
    return LINES if form == TEXT and lines else form


def _labels(paths: Sequence[Path]) -> list[str]:
    """The files' names, or whole paths where two have one name."""
    names = Counter(path.name for path in paths)
    return [
        "stdin" if str(path) == STDIN else printable(path.name if names[path.name] == 1 else str(path))
        for path in paths
    ]


def _spooled(path: Path) -> BinaryIO | None:
    """All of stdin or of a pipe, so that it can be read more than once; None for a file that can."""
    if str(path) != STDIN and (path.is_file() or not path.exists()):
        return None
    if str(path) == STDIN and sys.stdin is None:
        raise DataError("stdin is closed", hint="pipe a text into it")
    spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (lives as long as the source)
    with nullcontext(sys.stdin.buffer) if str(path) == STDIN else path.open("rb") as pipe:
        shutil.copyfileobj(pipe, spool)
    return cast(BinaryIO, spool)


class _Kept(io.RawIOBase):
    """Reads a file that stays open, and may be read by several at a time."""

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
