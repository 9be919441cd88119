"""Files that a pattern such as `news/**/*.jsonl` means: each once, however many links lead to it."""

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

MAGIC = "*?["  # what makes a name a pattern
ANY_FOLDERS = "**"


def is_pattern(name: str) -> bool:
    """Whether a name has wildcards."""
    return any(character in name for character in MAGIC)


def matches(pattern: str) -> list[Path]:
    """The files that match a pattern, by name.

    Args:
        pattern: As of a shell; `**` stands for any number of folders, none among them. Folders are entered
            once, through links too, so that a link back to a folder above ends; hidden ones are not.
    """
    return once(path for path in map(Path, _matching(pattern)) if path.is_file())


def once(paths: Iterable[Path]) -> list[Path]:
    """Paths by name, of several that lead to one file one: that without a link in it, else the first."""
    found: dict[Path, Path] = {}
    for path in sorted(paths):
        real = Path(os.path.realpath(path))
        if real not in found or Path(os.path.abspath(path)) == real:  # noqa: PTH100 (which follows no link)
            found[real] = path
    return sorted(found.values())


def _matching(pattern: str) -> Iterator[str]:
    parts = Path(pattern).parts
    if ANY_FOLDERS not in parts:
        yield from glob.glob(pattern)  # noqa: PTH207 (a pattern may be absolute)
        return
    at = parts.index(ANY_FOLDERS)
    above, rest = str(Path(*parts[:at])), parts[at + 1 :]
    roots = _matching(above) if is_pattern(above) else [above]
    for root in roots:
        for folder in _folders(root):
            yield from _matching(os.path.join(glob.escape(folder), *(rest or ["*"])))  # noqa: PTH118


def _folders(root: str) -> Iterator[str]:
    """A folder and all below it, each once: by the name without links, where there is one."""
    seen: set[str] = set()
    roots = deque([root])
    while roots:
        for folder, inner, _ in os.walk(roots.popleft()):  # which follows no link
            real = os.path.realpath(folder)
            inner[:] = [] if real in seen else sorted(name for name in inner if name[0] != ".")
            if real not in seen:
                yield folder
            seen.add(real)
            below = [os.path.join(folder, name) for name in inner]  # noqa: PTH118 (as the rest)
            roots.extend(filter(os.path.islink, below))
