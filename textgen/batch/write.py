"""Records to a file, one a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from textgen.batch.read import STDIN, path_kind
from textgen.errors import TextgenError, UsageError
from textgen.schema import Record

SUFFIX = ".jsonl"


def check_output(path: Path, inputs: list[str], *, force: bool) -> None:
    """Refuse an output that cannot be written or would destroy something, before any work is done.

    Raises:
        UsageError: Wrong ending, same file as an input, exists without `force`, or not writable.
    """
    kind = _existing(path)
    if kind == "folder":
        raise UsageError(f"-o {path} is a folder", hint="give the name of a file")
    if path.suffix != SUFFIX:
        raise UsageError(f"-o {path}: the output is JSON lines", hint=f"give a name that ends in {SUFFIX}")
    if kind and any(name != STDIN and path.samefile(name) for name in inputs):
        raise UsageError(f"-o {path} is also an input", hint="write to another file")
    if kind and not force:
        raise UsageError(f"-o {path} exists", hint="--force overwrites it")
    try:
        with path.open("a"):
            pass
        if not kind:
            path.unlink()
    except OSError as error:
        raise UsageError(f"-o {path} cannot be written: {error.strerror}", hint="give another path") from None


def _existing(path: Path) -> str | None:
    """`file` or `folder` if there is one."""
    try:
        return path_kind(str(path)) if path.exists() else None
    except OSError as error:
        raise UsageError(f"-o {str(path)[:40]}: {error.strerror}", hint="give another path") from None


def write_records(path: Path, records: Iterable[Record]) -> Iterator[Record]:
    """Write records as they come, one a line, each flushed, and pass them on.

    The file is emptied when the first record is there, so that a run that cannot begin destroys nothing.

    Raises:
        TextgenError: The file cannot be written, for a full disk, say.
    """
    file: TextIO | None = None
    try:
        for record in records:
            line = record.to_json() + "\n"
            try:
                file = file or path.open("w", encoding="utf-8", newline="\n")
                file.write(line)
                file.flush()
            except OSError as error:
                hint = "the last line may be incomplete, those before it are whole"
                raise TextgenError(f"writing {path} failed: {error.strerror}", hint=hint) from None
            yield record
    finally:
        if file is not None:
            with suppress(OSError):
                file.close()
