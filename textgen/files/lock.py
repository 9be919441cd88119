"""Lock files, by which one process keeps others from what it writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from textgen.errors import UsageError
from textgen.files.atomic import writing


@contextmanager
def locked(path: Path, what: Path) -> Iterator[None]:
    """Hold a lock file for as long as it takes; a process that dies lets go of it.

    Args:
        path: The lock file.
        what: The file or the folder that it stands for.

    Raises:
        UsageError: Another process holds it.
        TextgenError: It cannot be written.
    """
    with writing(path):
        file = path.open("ab")
    try:
        with file:
            _lock(file, path, what)
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
    finally:
        if os.name == "nt":  # where no open file can be deleted, and so none that another process holds
            with suppress(OSError):
                path.unlink()


def held(path: Path) -> bool:
    """Whether another process holds a lock file."""
    if not path.exists():
        return False
    try:
        with path.open("ab") as file:
            return not _locks(file)
    except OSError:
        return False


def being_written(path: Path) -> UsageError:
    """The error of a second run on one output."""
    hint = "wait for it, or write elsewhere"
    return UsageError("{path} is being written by another run", path=path, hint=hint)


def _lock(file: BinaryIO, path: Path, what: Path) -> None:
    try:
        ours = _locks(file)
    except OSError:  # a file system without locks
        return
    if ours:
        with suppress(FileNotFoundError):
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return
        # else it was the lock of a run that has just ended
    raise being_written(what)


def _locks(file: BinaryIO) -> bool:
    """Whether the lock of an open file could be taken."""
    from filelock import lock_descriptor  # only runs with an output need it

    return bool(lock_descriptor(file.fileno(), blocking=False))
