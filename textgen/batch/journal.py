"""The records of a run that is not finished: a line each, flushed each, never lost and never torn."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from textgen.errors import TextgenError, UsageError

try:
    import fcntl
except ImportError:  # no locks on this system
    fcntl = None  # type: ignore[assignment]

UNSYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)  # not every file can be


@dataclass(frozen=True)
class Kept:
    """What of an interrupted run's records is whole.

    Attributes:
        rows: How many there are.
        errors: How many of them are errors.
        size: How many bytes they take.
    """

    rows: int = 0
    errors: int = 0
    size: int = 0


def whole_windows(path: Path, window: int, total: int) -> Kept:
    """The records up to the end of the last window that is whole: a cut one is computed again.

    Args:
        path: The journal, if there is one. Its last line may be torn.
        window: Rows of a window.
        total: Rows of the run; the last window may be shorter.
    """
    kept = now = Kept()
    if not path.exists():
        return kept
    with path.open("rb") as file:
        for line in file:
            try:
                error = json.loads(line)["error"] if line.endswith(b"\n") else None
            except (ValueError, KeyError, TypeError):
                break
            if not line.endswith(b"\n") or now.rows == total:
                break
            now = Kept(now.rows + 1, now.errors + (error is not None), now.size + len(line))
            if now.rows % window == 0 or now.rows == total:
                kept = now
    return kept


class Journal:
    """Writes records.

    Args:
        file: The open file.
        path: What messages call it.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self.rows = 0

    def write(self, line: str) -> None:
        """Write a record and flush it.

        Raises:
            TextgenError: The disk is full, or gone.
        """
        try:
            # a lone surrogate becomes its escape, which JSON reads as the same
            self._file.write(line.encode("utf-8", "backslashreplace") + b"\n")
            self._file.flush()
        except OSError as error:
            raise unwritten(self._path, error) from None
        self.rows += 1

    def sync(self) -> None:
        """Let what was written survive a power failure, too.

        Raises:
            TextgenError: The disk is full, or gone.
        """
        try:
            sync(self._file)
        except OSError as error:
            raise unwritten(self._path, error) from None


@contextmanager
def journal(path: Path, kept: Kept) -> Iterator[Journal]:
    """Open a journal behind what is kept of it; the rest is cut off.

    Raises:
        TextgenError: It cannot be written.
    """
    try:
        file = path.open("r+b" if path.exists() else "w+b")
        file.truncate(kept.size)
        file.seek(kept.size)
    except OSError as error:
        raise unwritten(path, error) from None
    try:
        opened = Journal(file, path)
        yield opened
        opened.sync()
    finally:
        with suppress(OSError):
            file.close()


@contextmanager
def locked(path: Path, what: Path) -> Iterator[None]:
    """Hold a lock file for as long as it takes; a process that dies lets go of it.

    Args:
        path: The lock file.
        what: What it stands for.

    Raises:
        UsageError: Another process holds it.
        TextgenError: It cannot be written.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise unwritten(path, error) from None
    with file:
        _lock(file, path, what)
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()


def held(path: Path) -> bool:
    """Whether another process holds a lock file."""
    if fcntl is None or not path.exists():
        return False
    try:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def being_written(path: Path) -> UsageError:
    """What to say where another run writes."""
    return UsageError(f"{path} is being written by another run", hint="wait for it, or write elsewhere")


def replace_durably(draft: Path, path: Path) -> None:
    """Put a file in the place of another, at once and as a whole. Raises OSError."""
    with draft.open("rb+") as file:
        sync(file)
    draft.replace(path)


def sync(file: BinaryIO) -> None:
    """Let what was written survive a power failure. Raises OSError."""
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def unwritten(path: Path, error: OSError) -> TextgenError:
    """What to say where writing failed."""
    hint = "what was written before is safe; make room, and give --resume, or --retry-errors again"
    return TextgenError(f"writing {path} failed: {error.strerror or error}", hint=hint)


def _lock(file: BinaryIO, path: Path, what: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise being_written(what) from None
    except OSError:  # a file system without locks
        return
    with suppress(FileNotFoundError):
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return
    raise being_written(what)  # it was the lock of a run that has just ended
