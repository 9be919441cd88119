"""Folders that are written as a whole: a draft beside one takes its place by a rename."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

OCCUPIED = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)  # why no folder can be called so


def draft_folder(path: Path) -> Path:
    """Where this process drafts a folder; a kill may leave it."""
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def swap_in(draft: Path, path: Path, *, replace: bool) -> bool:
    """Put a folder in its place, by one rename: of several processes that do so, one succeeds.

    No folder can replace another at once: with `replace` the old one steps aside, and is deleted.

    Returns:
        Whether it is there; without `replace` it is not where something was there already.

    Raises:
        OSError: It cannot be; what was there is there still.
    """
    while not _placed(draft, path):
        if not replace:
            return False
        try:
            old = path.rename(path_aside(path))
        except FileNotFoundError:
            continue  # another process has just moved it
        try:
            placed = _placed(draft, path)
        except OSError:
            old.rename(path)
            raise
        delete_folder(old)
        if placed:
            return True
    return True


def path_aside(path: Path) -> Path:
    """Where a folder steps while another takes its place, or it is deleted."""
    return path.with_name(f".{path.name}.{os.getpid()}.old")


def delete_folder(folder: Path) -> None:
    """Delete a folder, or a link to one: then somebody keeps it elsewhere, where it stays."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _placed(draft: Path, path: Path) -> bool:
    """Rename a folder, unless something is there already."""
    try:
        draft.rename(path)
    except OSError as error:
        if error.errno in OCCUPIED:
            return False
        raise
    return True
