"""The house style of texts: the width of their marks and the quotation marks that they use.

Every character becomes one character, so that places in a text stay what they are. Numerals stay as they
are: their digits, and the marks between two of them, as in 3.5, 12:30 and 1,000.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

Width = Literal["half", "full"]
Quotes = Literal["“”", "「」"]

_DIGIT = r"[0-9０-９]"
_CHINESE = r"[\u3400-\u9fff\U00020000-\U0003ffff]"
_FULL, _HALF = "！（），：；？", "!(),:;?"
# all that has a half-width form, but for digits
_WIDE = re.compile(rf"(?!{_DIGIT})[\uff01-\uff5e]")
# marks of a Chinese sentence: what stands within Latin words or numerals is part of them
_BESIDE = re.compile(rf"(?<={_CHINESE})[!,:;?()]|[!,:;?()](?={_CHINESE})")
_FOLLOWS = re.compile(r"(?<=[！），：；？。”’」』》])[!,:;?()]")
_STOP = re.compile(rf"(?<={_CHINESE})\.(?![.\w])(?<!\.\.)")
_BRACKETS = re.compile(r"（[^()（）\n]*\)|\([^()（）\n]*）")
_BETWEEN = re.compile(rf"(?<={_DIGIT})[^\w\s](?={_DIGIT})")
_STRAIGHT = re.compile(r'"([^"\n]*)"')
_SINGLE = re.compile(r"‘([^‘’\n]*)’")
_WIDER = str.maketrans(_HALF + ".", _FULL + "。")


def house_style(text: str, width: Width | None = None, quotes: Quotes | None = None) -> str:
    """A text in the style of a house; of the same length.

    Args:
        text: Any.
        width: `half` makes letters and marks narrow that can be, such as Ａ and ，; `full` makes the marks of
            Chinese sentences wide. None leaves them alone.
        quotes: The outer quotation marks: `“”`, which have ‘’ within them, or `「」`, which have 『』. Pairs
            of straight ones become them, too. None leaves them alone.
    """
    if quotes:
        text = _STRAIGHT.sub(rf"{quotes[0]}\1{quotes[1]}", text)
        if quotes == "「」":
            text = _SINGLE.sub(r"『\1』", text.translate(str.maketrans("“”", "「」")))
        else:
            text = text.translate(str.maketrans("「」『』", "“”‘’"))
    if width == "half":
        return _outside_numerals(text, lambda whole: _WIDE.sub(_narrow, whole))
    return _outside_numerals(text, _widened) if width == "full" else text


def _outside_numerals(text: str, change: Callable[[str], str]) -> str:
    """A text after a change of as many characters, which leaves the marks between digits as they were."""
    found = list(change(text))
    for mark in _BETWEEN.finditer(text):
        found[mark.start()] = mark.group()
    return "".join(found)


def _narrow(found: re.Match[str]) -> str:
    return chr(ord(found.group()) - 0xFEE0)


def _widened(text: str) -> str:
    text = _STOP.sub("。", text)
    before = ""
    while before != text:  # marks side by side, one after the other
        before = text
        text = _BESIDE.sub(_wide, text)
        text = _FOLLOWS.sub(_wide, text)
        text = _BRACKETS.sub(lambda found: f"（{found.group()[1:-1]}）", text)
    return text


def _wide(found: re.Match[str]) -> str:
    return found.group().translate(_WIDER)
