"""The file formats: our own, and those that other installed packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from textgen.errors import UsageError
from textgen.files.formats.base import Format
from textgen.files.formats.csv import CSV, TSV
from textgen.files.formats.jsonl import JSONL
from textgen.files.formats.parquet import PARQUET
from textgen.files.formats.text import LINES, TEXT
from textgen.files.lines import ARCHIVES, inner_ending
from textgen.plugins import with_installed

GROUP = "textgen.formats"
OWN = {one.name: one for one in (TEXT, LINES, JSONL, CSV, TSV, PARQUET)}


@cache
def formats() -> dict[str, Format]:
    """All formats by name."""
    return with_installed(GROUP, OWN, Format, _unfit)


def _unfit(one: Format, known: Mapping[str, Format]) -> str | None:
    """Why a format of another package cannot be used beside those that are known."""
    endings = [*one.endings, *one.named_endings]
    taken = {ending for other in known.values() for ending in (*other.endings, *other.named_endings)}
    if wrong := [ending for ending in endings if ending != ending.lower() or not ending.startswith(".")]:
        return f"{wrong[0]} is no ending in small letters with a dot"
    return next((f"the ending {ending} is taken" for ending in endings if ending in taken), None)


def format_named(name: str) -> Format:
    """The format of a name. Raises UsageError if there is none."""
    if name not in formats():
        message = "{@format} {name}: there is no such format"
        raise UsageError(message, name=name, known=list(formats()), hint="formats: {known}")
    return formats()[name]


def format_of(path: Path) -> Format | None:
    """The format that a file's ending tells, packed or not; None if it tells none.

    Raises:
        UsageError: Such a file cannot be read when it is packed.
    """
    ending = inner_ending(path)
    found = next((one for one in formats().values() if ending in (*one.endings, *one.named_endings)), None)
    if found is not None and found.binary and path.suffix.lower() in ARCHIVES:
        message = "{path}: a packed {format} file cannot be read"
        raise UsageError(message, path=path, format=found.name, hint="unpack it")
    return found


def input_endings() -> tuple[str, ...]:
    """The endings of files that are read from folders."""
    return tuple(ending for one in formats().values() for ending in one.endings)


def output_formats() -> dict[str, Format]:
    """The formats that a run can write, by the ending of the output."""
    found = [one for one in formats().values() if one.is_output]
    found.sort(key=lambda one: (not one.is_journal, not one.is_table))  # the most complete first
    return {one.endings[0]: one for one in found}
