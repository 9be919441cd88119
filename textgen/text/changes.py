"""What changed between two texts."""

from __future__ import annotations

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
    """

    source_start: int
    source_end: int
    start: int
    end: int


def changes(source: str, text: str) -> list[Change]:
    """The changes that make the text of the source, in order; none if they are equal."""
    blocks = SequenceMatcher(None, source, text, autojunk=False).get_opcodes()
    return [Change(*places) for kind, *places in blocks if kind != "equal"]


def marked(source: str, text: str) -> str:
    """The text with its changes in brackets: `[-before-]`, `{+after+}`."""
    parts = []
    end = 0
    for change in changes(source, text):
        parts.append(text[end : change.start])
        if before := source[change.source_start : change.source_end]:
            parts.append(f"[-{before}-]")
        if after := text[change.start : change.end]:
            parts.append(f"{{+{after}+}}")
        end = change.end
    return "".join([*parts, text[end:]])
