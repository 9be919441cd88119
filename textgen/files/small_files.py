"""Small files that are read as a whole: configs, cards, manifests, settings of runs."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

LARGEST = 64 * 2**20  # bytes; the longest of them has some thousands
DEEPEST = 64  # lists and objects inside each other


def read_small(path: Path) -> bytes:
    """The content of a small file.

    Raises:
        OSError: It cannot be read, is no regular file (a pipe might keep one waiting for ever, a device
            never end), or is not small.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is a directory, a pipe or a device, not a file")
    if found.st_size > LARGEST:
        raise OSError(f"it has {found.st_size / 1e6:,.0f} MB; this kind of file has a few kB")
    return path.read_bytes()


def read_json(path: Path) -> Any:
    """The content of a small JSON file in UTF-8 or UTF-16, with or without a byte-order mark.

    Raises:
        OSError: As `read_small`.
        ValueError: It is not JSON, or nested more deeply than anything that is meant.
    """
    try:
        found = json.loads(read_small(path))  # of bytes it finds the encoding
        if _depth(found) <= DEEPEST:
            return found
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        pass
    raise ValueError("it is nested too deeply")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)
