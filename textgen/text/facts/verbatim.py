"""What is quoted, titles of works, words of Latin letters, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textgen.text.facts.fact import Fact

_TITLE = re.compile("《[^《》\n]+》|〈[^〈〉\n]+〉")
_QUOTE = re.compile('“[^“”\n]+”|‘[^‘’\n]+’|「[^「」\n]+」|『[^『』\n]+』|"[^"\n]+"|＂[^＂\n]+＂')
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|(?<![A-Za-z0-9.])[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:com|cn|org|net|edu|gov)(?:/[A-Za-z0-9._~/?#=&%-]*)?"
)
_LETTERS = "A-Za-zＡ-Ｚａ-ｚ\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_LATIN = re.compile(rf"[{_LETTERS}]+(?:[ '’.&/+-]*[{_LETTERS}0-9]+|[+#]+)*")


def quotes(text: str) -> Iterator[Fact]:
    """Find what stands between quotation marks or those of titles, the marks included."""
    for found in _QUOTE.finditer(text):
        yield Fact(found.start(), found.end(), "quotes", "quote")
    for found in _TITLE.finditer(text):
        yield Fact(found.start(), found.end(), "quotes", "title")


def latin(text: str) -> Iterator[Fact]:
    """Find runs of words of Latin, Greek and Cyrillic letters, and addresses of pages and of mail."""
    for found in _ADDRESS.finditer(text):
        yield Fact(found.start(), found.end(), "latin", "address")
    for found in _LATIN.finditer(text):
        yield Fact(found.start(), found.end(), "latin", "word")
