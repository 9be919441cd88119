"""The files that a command reads, and their formats."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from textgen.errors import DataError, UsageError
from textgen.files.formats.base import STDIN, File, Format
from textgen.files.formats.registry import format_named, format_of, formats, input_endings
from textgen.files.formats.text import LINES, TEXT
from textgen.files.lines import ARCHIVES, DAMAGED, SAMPLE, inner_ending
from textgen.files.patterns import is_pattern, matches, once
from textgen.text.names import printable

# what stands behind the name of a run's output
MANIFEST, RECORDS, ROWS = ".manifest.json", ".records.jsonl", ".rows"
PART, DRAFT, LOCK = ".part", ".new", ".lock"
BESIDE = (MANIFEST, RECORDS, ROWS, PART, DRAFT, LOCK)
IN_MEMORY = 1 << 20  # bytes of stdin; more of them lie in a temporary file

LeaveOut = Callable[[Path], bool]


@dataclass(frozen=True, kw_only=True)
class Source(File):
    """A file with rows.

    Attributes:
        format: The format of the file.
        label: The beginning of the names of its rows.
        certain: The user named the format.
        problem: Why there is nothing to read.
    """

    format: Format
    label: str
    certain: bool = False
    problem: DataError | None = None

    def open_raw(self) -> BinaryIO:
        """Open it from its beginning, as it lies on the disk. Raises OSError."""
        return self.path.open("rb") if self.spool is None else self.open()


def find_sources(
    inputs: Sequence[str], *, lines: bool, format: str | None = None, leave_out: LeaveOut | None = None
) -> list[Source]:
    """Find the files that inputs name.

    Args:
        inputs: Paths of files or folders, patterns such as `news/*.jsonl`, or `-` for stdin.
        lines: A text file holds a text a line.
        format: The name of the format of all of them, whatever their endings are.
        leave_out: Tells files that folders and patterns do not mean.

    Returns:
        The files in the order of the inputs; those of a folder or pattern by name.

    Raises:
        UsageError: There is no such file, or no format of that name.
        DataError: The only input is a folder with nothing to read.
    """
    certain = None if format is None else format_named(format)
    found: list[tuple[Path, DataError | None]] = []
    for name in inputs:
        try:
            found += [(path, None) for path in _expand(name, leave_out or (lambda path: False))]
        except DataError as error:  # of several inputs the others go on
            if len(inputs) == 1:
                raise
            found.append((Path(name), error))
    labels = _labels([path for path, _ in found])
    sources = []
    for (path, problem), label in zip(found, labels, strict=True):
        known = certain or format_of(path) or TEXT
        if lines and known is TEXT and certain is None:
            known = LINES
        spool = None if problem else _spooled(path)
        source = Source(path, spool, format=known, label=label, certain=bool(certain), problem=problem)
        sources.append(_checked(source, alone=len(found) == 1))
    return sources


def table_in(path: Path) -> Source:
    """The file of a table; one whose ending tells no format may hold JSON.

    Raises:
        UsageError: There is no such file, or it is no table.
        DataError: It cannot be read.
    """
    if path_kind(str(path), "give the path of a file") == "folder":
        raise UsageError("{path} is a folder", path=path, hint="give the path of a file")
    source = Source(path, format=format_of(path) or TEXT, label=path.name)
    if not source.format.is_table and (found := _recognized(source)) is not None:
        source = replace(source, format=found[0])
    if not source.format.is_table:
        tables = [name for name, one in formats().items() if one.is_table]
        hint = "give a file of {tables}, as run_batch writes them, or {@output} FILE.jsonl"
        raise UsageError("{path} is no table", path=path, tables=tables, hint=hint)
    source.format.check_installed(source.name)
    return source


def _checked(source: Source, *, alone: bool) -> Source:
    """A source, looked at: a text file that holds a table is refused."""
    if source.problem or source.certain or source.format.is_table or not (found := _recognized(source)):
        return source
    table, held = found
    kind = UsageError if alone else DataError  # of several inputs the others go on
    hint = "{@format} {table} reads its rows, {@format} text or lines takes it for text"
    error = kind("{name} holds {held}, it seems", name=source.name, held=held, table=table.name, hint=hint)
    if isinstance(error, UsageError):
        raise error
    return replace(source, problem=error)


def _recognized(source: Source) -> tuple[Format, str] | None:
    """The format that the beginning of a text file shows, and what the file holds in words."""
    try:
        with source.open() as file:
            head = file.read1(SAMPLE)  # type: ignore[attr-defined]
    except DAMAGED:  # which is told where it is read
        return None
    for one in formats().values():
        if one.recognize is not None and (held := one.recognize(head)) is not None:
            return one, held
    return None


def path_kind(name: str, hint: str = "check the path; `-` reads from stdin") -> str:
    """`file` or `folder`. Raises UsageError if there is neither, or none that can be looked at."""
    try:
        mode = Path(name).stat().st_mode
    except FileNotFoundError:
        raise UsageError("no such file: {name}", name=name, hint=hint) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        shown = name if len(name) <= 40 else name[:40] + "…"
        hint = "inputs are paths, not texts; `-` reads a text from stdin"
        raise UsageError("{name}: {reason}", name=shown, reason=reason, hint=hint) from None
    return "folder" if stat.S_ISDIR(mode) else "file"


def _expand(name: str, leave_out: LeaveOut) -> list[Path]:
    """The files that an input means."""
    path, pattern = Path(name), is_pattern(name) and not os.path.lexists(name)
    if name == STDIN or (not pattern and path_kind(name) == "file"):
        return [path]
    try:
        found = matches(name) if pattern else _texts_in(path)
        meant = [file for file in found if not (_written_by_us(file) or leave_out(file))]
    except OSError as error:
        message, reason = "cannot look into {folder}: {reason}", error.strerror
        raise DataError(message, folder=path, reason=reason, hint="check its permissions") from None
    if not meant and pattern:
        raise UsageError("no file matches {pattern}", pattern=name, hint="** goes into folders")
    if not meant:
        hint = "it takes {endings}, also with {packed} behind them"
        inside = [file for file in path.iterdir() if not file.name.startswith(".")]
        if inside and all(file.is_dir() for file in inside):
            hint = "it has folders only; a pattern such as {inner} goes into them"
        values = {"endings": input_endings(), "packed": " or ".join(ARCHIVES)}
        values["inner"] = f'"{path / "**" / "*.txt"}"'
        raise DataError("no texts in the folder {folder}", folder=path, hint=hint, **values)
    return meant


def _texts_in(folder: Path) -> list[Path]:
    known = (file for file in folder.iterdir() if inner_ending(file) in input_endings())
    return once(file for file in known if file.is_file())


def _written_by_us(path: Path) -> bool:
    """Whether a file is the output of a run, or lies beside one: the run's manifest says so."""
    if path.name.endswith(RECORDS):
        return True
    outputs = [path.name, *(path.name.removesuffix(end) for end in BESIDE if path.name.endswith(end))]
    outputs += [name.removesuffix(PART) for name in outputs]
    manifests = (name + end for name in outputs for end in (MANIFEST, PART + MANIFEST))
    return any(path.with_name(name).exists() for name in manifests)


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
