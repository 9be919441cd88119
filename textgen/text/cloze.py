"""Blanks in a text, to be filled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textgen.text.forms import HAN

_BOX = "□"
_BLANK = re.compile(rf"[_＿]{{2,}}|＿|{_BOX}+|\[MASK\]|[（(]\s*[)）]")
_CHINESE = re.compile(rf"[{HAN}，。！？；：、“”‘’《》（）…]")
_LETTER = re.compile(rf"[^\W{HAN}]")


@dataclass(frozen=True)
class Blank:
    """A blank.

    Attributes:
        start: Where it begins in the text.
        end: Where it ends.
        size: The characters that it stands for; None where it does not say.
    """

    start: int
    end: int
    size: int | None


def blanks_of(text: str) -> list[Blank]:
    """Find the blanks of a text.

    Those are `___`, `＿`, `[MASK]`, empty brackets, and `□`, each of which is one character. Half-width
    brackets are a blank only between Chinese text, and not those of a function such as `print()`.

    Args:
        text: Any text.
    """
    found = []
    for match in _BLANK.finditer(text):
        start, end = match.span()
        if "(" in match[0] and not _between_chinese(text, start, end):
            continue
        found.append(Blank(start, end, end - start if match[0].startswith(_BOX) else None))
    return found


def _between_chinese(text: str, start: int, end: int) -> bool:
    """Whether there is Chinese beside a place, and no letter or digit of another script."""
    beside = text[:start].rstrip()[-1:], text[end:].lstrip()[:1]
    return any(map(_CHINESE.match, beside)) and not any(map(_LETTER.match, beside))
