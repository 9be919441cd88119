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
    above, rest = str(Path(*parts[:at])) if at else "", parts[at + 1 :]
    roots = _matching(above) if is_pattern(above) else [above]
    for root in roots:
        for folder in _folders(root):
            yield from _matching(os.path.join(glob.escape(folder), *(rest or ["*"])))  # noqa: PTH118


def _folders(root: str) -> Iterator[str]:
    """A folder and all below it, each once: by the name without links, where there is one."""
    seen: set[Path] = set()
    linked = deque([root])
    while linked:
        below = [linked.popleft()]
        while below:
            folder = below.pop()
            real = Path(os.path.realpath(folder))
            if real in seen or not real.is_dir():
                continue
            seen.add(real)
            yield folder
            for path in _shown(real):
                name = os.path.join(folder, path.name)  # noqa: PTH118 (of which the first may be empty)
                (linked if path.is_symlink() else below).append(name)


def _shown(folder: Path) -> list[Path]:
    """The visible folders in one; none where it cannot be read."""
    try:
        return [path for path in sorted(folder.iterdir()) if path.name[0] != "." and path.is_dir()]
    except OSError:
        return []
