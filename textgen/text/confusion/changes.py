"""Changes of a text as errors: what is one error is one change, with its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textgen.text.confusion.errors import Errors
from textgen.text.diff import Change

SHOWN = {"near": "sound", "adverbial": "particle", "complement": "particle"}


def as_errors(source: str, text: str, changes: Sequence[Change]) -> list[Change]:
    """Changes, those of two characters that have changed places made one.

    Args:
        source: What there was.
        text: What became of it.
        changes: All that differ, in order.
    """
    found: list[Change] = []
    for change in changes:
        if found:
            last = found[-1]
            both = Change(last.source_start, change.source_end, last.start, change.end)
            before, after = source[both.source_start : both.source_end], text[both.start : both.end]
            if len(before) == 2 and before == after[::-1]:
                found[-1] = both
                continue
        found.append(change)
    return found


def with_kinds(source: str, text: str, changes: Sequence[Change]) -> list[Change]:
    """Changes with the kind of error that each puts right.

    Args:
        source: What there was, in simplified characters.
        text: What became of it, in such.
        changes: From `as_errors`.
    """
    errors = Errors(source)
    return [replace(change, kind=_kind(source, text, change, errors)) for change in changes]


def _kind(source: str, text: str, change: Change, errors: Errors) -> str:
    before, after = source[change.source_start : change.source_end], text[change.start : change.end]
    if not before:
        return "missing"
    if not after:
        neighbours = (
            source[max(0, change.source_start - len(before)) : change.source_start],
            source[change.source_end : change.source_end + len(before)],
        )
        return "doubled" if before in neighbours else "extra"
    if len(before) == 2 and before == after[::-1]:
        return "swapped"
    if len(before) != len(after):
        return "other"
    pairs = zip(range(change.source_start, change.source_end), after, strict=True)
    kinds = {errors.meant[place].get(meant, "other") for place, meant in pairs}
    [kind] = kinds if len(kinds) == 1 else {"other"}
    return SHOWN.get(kind, kind)
