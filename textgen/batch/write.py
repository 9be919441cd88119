"""Records to a file, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from textgen.errors import TextgenError, UsageError
from textgen.schema import Record

SUFFIX = ".jsonl"


def check_output(path: Path, inputs: list[str], *, force: bool) -> None:
    """Refuse an output that cannot be written or would destroy something, before any work is done.

    Raises:
        UsageError: Wrong ending, same file as an input, exists without `force`, or not writable.
    """
    if path.suffix != SUFFIX:
        raise UsageError(f"-o {path}: the output is JSON lines", hint=f"give a name that ends in {SUFFIX}")
    if any(Path(name).exists() and path.exists() and path.samefile(name) for name in inputs):
        raise UsageError(f"-o {path} is also an input", hint="write to another file")
    if path.exists() and not force:
        raise UsageError(f"-o {path} exists", hint="--force overwrites it")
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise UsageError(f"-o {path} cannot be written: {error.strerror}", hint="give another path") from None


@contextmanager
def open_output(path: Path) -> Iterator[TextIO]:
    """The output, emptied, in UTF-8. A full disk raises TextgenError."""
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
    except OSError as error:
        raise TextgenError(
            f"writing {path} failed: {error.strerror}", hint="what is written so far is whole"
        ) from None


def write_record(file: TextIO, record: Record) -> None:
    """Append a record as one line and flush it."""
    file.write(record.to_json() + "\n")
    file.flush()
