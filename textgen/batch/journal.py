"""The journal of a run: its records so far, one per line, each flushed at once.

Beside them lie the digests of the rows that they were made of, so that a record is never taken for that of
another row.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from textgen.errors import TextgenError
from textgen.files.atomic import sync
from textgen.messages import Message
from textgen.schema import DIGEST_SIZE


@dataclass(frozen=True)
class Kept:
    """The records of an interrupted run that are kept.

    Attributes:
        rows: How many there are.
        errors: How many of them are errors.
        size: How many bytes they take.
    """

    rows: int = 0
    errors: int = 0
    size: int = 0


def digests_in(path: Path) -> Iterator[bytes]:
    """The digests of a file; none where there is no such file, and no torn one."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while len(digest := file.read(DIGEST_SIZE)) == DIGEST_SIZE:
            yield digest


def whole_windows(path: Path, matches: Iterable[bool], window: int, total: int) -> Kept:
    """The records up to the end of the last window that is whole: a cut one is computed again.

    Args:
        path: The journal, if there is one. Its last line may be torn.
        matches: Whether each record was made of the row that is there now.
        window: Rows of a window.
        total: Rows of the run; the last window may be shorter.
    """
    kept = now = Kept()
    if not path.exists():
        return kept
    with path.open("rb") as file:
        for line, same in zip(file, matches, strict=False):
            if not same:
                break
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
    """The writer of a journal.

    Args:
        file: The open file.
        digests: The open file of the rows' digests.
        path: What messages call it.
    """

    def __init__(self, file: BinaryIO, digests: BinaryIO, path: Path) -> None:
        self._file, self._digests, self._path = file, digests, path
        self.rows = 0

    def write(self, line: str, digest: bytes) -> None:
        """Write a record and flush it.

        Args:
            line: The record.
            digest: Of the row that it was made of.

        Raises:
            TextgenError: The disk is full, or gone.
        """
        try:
            self._digests.write(digest)  # before the record, which counts for nothing without it
            self._digests.flush()
            # a lone surrogate becomes its escape, which JSON reads as the same
            self._file.write(line.encode("utf-8", "backslashreplace") + b"\n")
            self._file.flush()
        except OSError as error:
            raise unwritten(self._path, error) from None
        self.rows += 1

    def sync(self) -> None:
        """Sync the files, so that what was written survives a power failure, too.

        Raises:
            TextgenError: The disk is full, or gone, or the file was deleted.
        """
        try:
            sync(self._digests)
            sync(self._file)
        except OSError as error:
            raise unwritten(self._path, error) from None
        if self.is_gone:
            raise gone(self._path)

    @property
    def is_gone(self) -> bool:
        """Whether the file was deleted while it was written, so that its records are nowhere."""
        return os.fstat(self._file.fileno()).st_nlink == 0


@contextmanager
def journal(path: Path, digests: Path, kept: Kept) -> Iterator[Journal]:
    """Open a journal to append to the records that are kept; the rest is cut off.

    Args:
        path: Where the records are.
        digests: Where the digests of their rows are.
        kept: What of them is kept.

    Raises:
        TextgenError: It cannot be written, or was deleted by the time that something else went wrong.
    """
    with ExitStack() as files:
        try:
            of_rows = files.enter_context(_opened(digests, kept.rows * DIGEST_SIZE))
            file = files.enter_context(_opened(path, kept.size))
        except OSError as error:
            raise unwritten(path, error) from None
        opened = Journal(file, of_rows, path)
        try:
            yield opened
        except TextgenError as error:
            if opened.is_gone:
                raise gone(path, error) from None
            raise
        opened.sync()


@contextmanager
def _opened(path: Path, size: int) -> Iterator[BinaryIO]:
    """A file to write behind its first bytes. Raises OSError."""
    file = path.open("r+b" if path.exists() else "w+b")
    try:
        file.truncate(size)
        file.seek(size)
        yield file
    finally:
        with suppress(OSError):
            file.close()


def publish(draft: Path, path: Path, *, over: bool) -> None:
    """Give a complete file its final name.

    Args:
        draft: The file.
        path: Its name.
        over: Whether a file that has the name already is replaced.

    Raises:
        FileExistsError: Another file has the name; the draft is still there.
        OSError: It cannot be done.
    """
    if over:
        draft.replace(path)
        return
    try:
        path.hardlink_to(draft)  # unlike a rename, this never replaces anything
    except FileExistsError:
        if not path.samefile(draft):  # a run was killed behind this line
            raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        draft.rename(path)
        return
    draft.unlink()


def unwritten(path: Path, error: OSError) -> TextgenError:
    """The error where writing failed."""
    hint = "what was written before is safe; make room, and give {@resume}, or {@retry_errors} again"
    if not path.parent.is_dir():
        hint = "the folder {folder} is gone, with all that was in it; begin anew"
    values = {"path": path, "reason": error.strerror or error, "folder": path.parent}
    return TextgenError("writing {path} failed: {reason}", hint=hint, **values)


def gone(path: Path, error: TextgenError | None = None) -> TextgenError:
    """The error where a journal has been deleted; `error` is what ended the run besides."""
    message = Message("{path} was deleted while the run wrote to it", path=path)
    if error:
        message = Message("{error}; {deleted}", error=error.message, deleted=message)
    return TextgenError(message, hint="the records in it are lost; begin anew")
