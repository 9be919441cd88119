"""Atomic writing: a file is there as a whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from textgen.errors import TextgenError

UNSYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)  # not every file system can


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file atomically: a draft beside it takes its place at once.

    The file may be read by whom the umask says, as any new file.

    Raises:
        TextgenError: It cannot be written; what was there is there still.
    """
    with writing(path):
        replace_whole(path, content)
    return path


def replace_whole(path: Path, content: bytes) -> None:
    """Replace a file as `write_whole` does. Raises OSError."""
    draft = draft_of(path)
    try:
        draft.write_bytes(content)
        sync_path(draft)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def json_bytes(content: Any, *, indent: int | None = None, sort_keys: bool = False) -> bytes:
    """JSON in UTF-8, with a newline at its end.

    A lone surrogate, as in the name of a file that is no UTF-8, is written as its escape, which JSON reads as
    the same.
    """
    text = json.dumps(content, ensure_ascii=False, indent=indent, sort_keys=sort_keys)
    return f"{text}\n".encode("utf-8", "backslashreplace")


@contextmanager
def utf8_name(path: Path) -> Iterator[Path]:
    """A UTF-8 name of a file, for libraries that take no other, such as safetensors."""
    try:
        str(path).encode()
    except UnicodeEncodeError:  # only where names are bytes; there open files have names, too
        with path.open("rb") as file:
            yield Path(f"/dev/fd/{file.fileno()}")
    else:
        yield path


def draft_of(path: Path) -> Path:
    """The draft that `write_whole` writes before it takes the file's place; a kill may leave it."""
    return path.with_name(f"{path.name}.new")


def sync(file: BinaryIO) -> None:
    """Sync an open file, so that it survives a power failure. Raises OSError."""
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def sync_path(path: Path) -> None:
    """Sync a file that is closed; see `sync`. Raises OSError."""
    with path.open("rb+") as file:
        sync(file)


def stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file, by which an edit is noticed; None where it cannot be looked at."""
    try:
        return path.stat().st_size, path.stat().st_mtime_ns
    except OSError:
        return None


def real_path(path: Path) -> Path:
    """The absolute path without links.

    `Path.resolve` raises a RuntimeError for links that lead in a circle; here, as for any path that cannot be
    followed, whoever opens what is returned gets the OSError that says so.
    """
    return Path(os.path.realpath(path))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn any OSError into a TextgenError of one line."""
    try:
        yield
    except OSError as error:
        reason, hint = error.strerror or error, "is the disk full, or the folder not yours?"
        raise TextgenError("cannot write {path}: {reason}", path=path, reason=reason, hint=hint) from None
