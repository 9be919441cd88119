"""The changes between two texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Change:
    """A stretch that was replaced, inserted (nothing in the source) or deleted (nothing in the text).

    Attributes:
        source_start: Where it begins in the source, in characters.
        source_end: Where it ends there.
        start: Where what stands for it begins in the text.
        end: Where that ends.
        kind: Of the error that it puts right, where that was asked for.
    """

    source_start: int
    source_end: int
    start: int
    end: int
    kind: str | None = None


@dataclass(frozen=True)
class Anchor:
    """A stretch that is the same in both: `source[source_start:][:size] == text[start:][:size]`."""

    source_start: int
    start: int
    size: int


def changes_between(source: str, text: str, anchors: Iterable[Anchor] = ()) -> list[Change]:
    """The changes that make the text of the source, in order; none if they are equal.

    Args:
        source: What there was.
        text: What became of it.
        anchors: Stretches known to have stayed, in order, which are not compared.
    """
    found: list[Change] = []
    before = Anchor(0, 0, 0)
    for anchor in [*anchors, Anchor(len(source), len(text), 0)]:
        at, text_at = before.source_start + before.size, before.start + before.size
        blocks = SequenceMatcher(
            None, source[at : anchor.source_start], text[text_at : anchor.start], autojunk=False
        ).get_opcodes()
        found += [
            Change(at + first, at + last, text_at + start, text_at + end)
            for kind, first, last, start, end in blocks
            if kind != "equal"
        ]
        before = anchor
    return found


def marked(source: str, text: str, found: Sequence[Change]) -> str:
    """The text with these changes of the source in brackets: `[-before-]`, `{+after+}`."""
    parts = []
    end = 0
    for change in found:
        parts.append(text[end : change.start])
        if before := source[change.source_start : change.source_end]:
            parts.append(f"[-{before}-]")
        if after := text[change.start : change.end]:
            parts.append(f"{{+{after}+}}")
        end = change.end
    return "".join([*parts, text[end:]])
