"""Keywords that a text must hold: how they are given, and whether they are there."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from textgen.errors import DataError
from textgen.messages import Message
from textgen.text.blank import is_blank
from textgen.text.names import clean_name

_QUOTES = ("“”", "‘’", "「」", "『』", "【】")
SHOWN = 40  # characters of keywords that cannot be read
_SEPARATORS = re.compile("[，,、；;|\t\r\n]")
_PAIRS = ("[]", "{}", "()", "（）")  # a part with half of one is what is left of a list, or of a word
_LIST = re.compile(r"""[\[{'"]|.*[\[({]\s*['"]|\(\s*\)$""", re.DOTALL)  # what a cell with a list looks like
_ESCAPE = r"""\\[\\'"abfnrtv0-7xuUN]"""
_QUOTED = re.compile(rf"""'(?:[^'\\\n]|{_ESCAPE})*'|"(?:[^"\\\n]|{_ESCAPE})*\"""")


def keywords_of(value: object) -> tuple[str, ...]:
    """Read the keywords field of a row.

    Args:
        value: A list of strings, or one string of keywords separated by any of ，,、；;| or a tab or a
            line end; None stands for none. A blank separates nothing: a keyword may hold one. A string may
            also be a list as JSON, Python (so pandas writes them) or numpy writes it:
            `["广州", "美食"]`, `('广州', '美食')`, `['广州' '美食']`.

    Returns:
        The keywords in their order, without invisible characters, the quotation marks around those of a
        string, and empty ones. One that is given twice stands twice.

    Raises:
        DataError: It is neither, or the list holds something else than text or cannot be read.
    """
    if value is None:
        return ()
    parts = _in_cell(value) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        kind, hint = type(value).__name__, "a list of strings, or one string such as 广州,地铁"
        raise DataError("keywords must be text, not {kind}", kind=kind, hint=hint)
    if wrong := [part for part in parts if not isinstance(part, str)]:
        kind, hint = type(wrong[0]).__name__, "put quotes around each keyword"
        raise DataError("a keyword must be text, not {kind}", kind=kind, hint=hint)
    return tuple(filter(None, map(clean_name, parts)))


def several_in_one(words: Sequence[str]) -> list[str]:
    """The words to avoid that look like several: they are not split, as a mark may be one of them."""
    return [word for word in words if sum(not is_blank(part) for part in _SEPARATORS.split(word)) > 1]


def clash(
    keywords: Sequence[str], avoided: Sequence[str], spelt: Callable[[str], str] = str
) -> Message | None:
    """The reason why no text can hold the keywords and none of the words to avoid; None if some can.

    Args:
        keywords: What a text must hold.
        avoided: What it must not.
        spelt: How a word is written in the text.
    """
    wanted = [(keyword, spelt(keyword)) for keyword in keywords]
    for word in avoided if wanted else ():
        form = spelt(word)
        for keyword, written in wanted:
            if form == written:
                return Message("{word} is both wanted and to be avoided", word=word)
            if form in written:
                message = "{keyword} contains {word}, which is to be avoided"
                return Message(message, keyword=keyword, word=word)
    return None


class Terms:
    """Words that are looked for in texts; where several begin at one place, the longest is there.

    Args:
        words: Any.
        spelt: How a word is written in the texts.
    """

    def __init__(self, words: Sequence[str], spelt: Callable[[str], str] = str) -> None:
        self._typed = {spelt(word): word for word in reversed(words)}
        longest_first = sorted(self._typed, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)))

    def most_named(self, text: str) -> str | None:
        """The word that a text names most often, of several the one that it names first; None for none."""
        found = Counter(self._any.findall(text))
        return self._typed[found.most_common(1)[0][0]] if found else None


def words_of(text: str) -> tuple[str, ...]:
    """Read a set of words from a line: as from a cell, but where nothing else separates them, blanks do.

    Raises:
        DataError: See `keywords_of`.
    """
    found = keywords_of(text)
    whole = clean_name(text)
    return keywords_of(list(map(_unwrapped, whole.split()))) if found == (whole,) else found


def _in_cell(cell: str) -> object:
    """The keywords in a string: those of a list that it is, else its parts."""
    whole = cell.strip()
    if _LIST.match(whole):
        if whole.startswith("["):
            with suppress(ValueError, RecursionError):
                return json.loads(whole)
        return _listed(whole)
    parts: list[str] = _SEPARATORS.split(cell)
    halved = any(part.count(pair[0]) != part.count(pair[1]) for part in parts for pair in _PAIRS)
    if halved or any(part.lstrip().startswith(("'", '"')) for part in parts):
        raise _unreadable(whole)
    return list(map(_unwrapped, parts))


def _unwrapped(part: str) -> str:
    """A keyword without the quotation marks around it."""
    whole = part.strip()
    inside, pair = whole[1:-1], whole[:1] + whole[-1:]
    return inside if pair in _QUOTES and not set(pair) & set(inside) else part


def _listed(cell: str) -> list[str]:
    """The keywords of a list as Python or numpy writes it, or of quoted words."""
    inside = cell[1:-1] if cell[0] + cell[-1] in _PAIRS else cell
    try:
        if _QUOTED.sub("", inside).strip(", \t\r\n"):
            raise _unreadable(cell)
        # one by one: side by side, as numpy writes them, Python would take them for a single one
        return [ast.literal_eval(quoted) for quoted in _QUOTED.findall(inside)]
    except (SyntaxError, ValueError):
        raise _unreadable(cell) from None


def _unreadable(cell: str) -> DataError:
    shown = cell if len(cell) <= SHOWN else cell[:SHOWN] + "…"
    hint = 'a list is written ["广州", "地铁"]; without brackets commas separate'
    return DataError("these keywords cannot be read: {keywords}", keywords=shown, hint=hint)


def essential(keywords: Sequence[str], *, ordered: bool = False) -> list[str]:
    """Leave out the keywords that a text with the others holds anyway.

    Those are repetitions and keywords within another one, as 广州 is within 广州市; where the order
    counts, only those within the one before or behind them.

    Args:
        keywords: The keywords.
        ordered: Whether their order counts.
    """
    kept = list(dict.fromkeys(keyword for keyword in keywords if keyword))
    if not ordered:
        return [one for one in kept if not any(one != other and one in other for other in kept)]
    stack: list[str] = []
    for keyword in kept:
        while stack and stack[-1] in keyword:
            stack.pop()
        if not stack or keyword not in stack[-1]:
            stack.append(keyword)
    return stack


def missing(text: str, keywords: Sequence[str], *, ordered: bool = False) -> list[str]:
    """List the keywords that a text lacks; none if it holds all of them.

    Args:
        text: The final text.
        keywords: What it must hold, letter for letter. Keywords may overlap, and one occurrence counts
            for all keywords within it.
        ordered: Each must also begin (and so end) behind the one before; a keyword within its neighbour
            is exempt. Other occurrences out of order do no harm.

    Returns:
        The missing ones in their order; where the order counts, those not found behind the ones before.
    """
    if not ordered:
        return [keyword for keyword in keywords if keyword not in text]
    lacking = []
    at = 0
    for keyword in essential(keywords, ordered=True):
        found = text.find(keyword, at)
        if found < 0:
            lacking.append(keyword)
        else:
            at = found + 1
    return lacking
