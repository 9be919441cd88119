"""The sentences of a text, and where they end."""

from __future__ import annotations

import re
from collections import Counter

_MARKS = "。！？!?…"
_CLOSERS = "”’」』）)】》〉\"'"
# half-width and full-width brackets are often mixed, so they count as one pair
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "（": ")", "(": ")", "《": "》", "【": "】"}
_ALIASES = {"）": ")"}

_CLOSING = re.escape(_CLOSERS)
_MARK = rf"[{_MARKS}][{_MARKS}{_CLOSING}]*"
# a digit, or a letter that is no initial: not the dots of 3.14, U.S., J. Smith
_DOT = rf"(?:(?<=[0-9])|(?<=[0-9A-Za-z][A-Za-z]))\.[{_CLOSING}]*(?=\s|\Z)"
_NEWLINE = r"(?=\n)"
# blank lines belong to the sentence before them, an indentation to the one behind
_SPACE_BEHIND = r"(?:\s*\n|[^\S\n]+)?"
# the dot of a numbered list's item ends nothing
_ITEM = r"(?P<item>^[^\S\n]*[0-9]+\.(?=[^\S\n]))"
_END = re.compile(f"{_ITEM}|(?:{_MARK}|{_DOT}|{_NEWLINE}){_SPACE_BEHIND}", re.MULTILINE)
_BLANK_LINES = re.compile(r"(?:\s*\n)?")


def sentences(text: str) -> list[str]:
    """Splits a text into sentences, losing nothing.

    A sentence ends behind a run of 。！？!?… and the quotes and brackets that close after it, behind
    an ASCII full stop that ends a word or a number, and at a newline. The white space behind belongs
    to it, but for the indentation of the next line.

    Args:
        text: Any text.

    Returns:
        The sentences; joined without a separator they are the text again. Empty for an empty text.
    """
    parts = []
    start = 0
    # blank lines before the first sentence are no sentence of their own
    blank = _BLANK_LINES.match(text)
    for found in _END.finditer(text, blank.end() if blank else 0):
        if found["item"] is None:
            parts.append(text[start : found.end()])
            start = found.end()
    if start < len(text):
        parts.append(text[start:])
    return parts


def ends_sentence(text: str) -> bool:
    """Tells whether a text, as it stands, is at the end of a sentence.

    Args:
        text: Any text; white space at its end does not matter.

    Returns:
        True if it ends in one of 。！？!?… or in quotes and brackets closed after such a mark, and no
        quote or bracket opened in its last line is still open.
    """
    line = text.rstrip().rpartition("\n")[2]
    return bool(line) and line[-1] in _MARKS + _CLOSERS and last_sentence_end(line) == len(line)


def last_sentence_end(text: str) -> int:
    """Finds where the last complete sentence ends, as `ends_sentence` understands it.

    Args:
        text: Any text.

    Returns:
        The index just behind its mark and closing quotes, so that `text[:index]` is complete; 0 if
        there is no complete sentence.
    """
    end = 0
    marked = False
    still_open = Counter[str]()  # quotes and brackets by what closes them
    for index, character in enumerate(text):
        marked = character in _MARKS or (marked and character in _CLOSERS)
        if character == "\n":
            still_open.clear()
        closer = _ALIASES.get(character, character)
        if character in _PAIRS:
            still_open[_PAIRS[character]] += 1
        elif still_open[closer]:
            still_open[closer] -= 1
        if marked and not still_open.total():
            end = index + 1
    return end
