"""What an editor checks in a title before it is printed: its facts against the article, and its form.

The checks are of strings alone, and equal for titles of any origin:

| check | a title fails it if |
|---|---|
| `number` | a number expression is cut, or the article does not state it |
| `mark` | a quote or a bracket has no partner |
| `repeat` | a span comes twice at once, or a long one twice |
| `latin` | a word of Latin letters is a piece of one of the article's |
| `ending` | it ends inside a word of the article's, or on a particle or a comma |
| `short` | it has one or two characters |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property

from textgen.text.endings import ends_inside, left_open
from textgen.text.figures import Figures
from textgen.text.traditional import has_traditional, simplified
from textgen.text.words import known, words

SHORTEST = 3  # characters of a title
LONG = 5  # characters of a span that may not come twice
LONG_HAN = 3  # how many of them are Chinese: a product may be named twice

_PAIRS = ("《》", "〈〉", "“”", "‘’", "()", "【】", "「」", "『』", "[]", "{}", "〔〕")
_OPENING = {pair[0] for pair in _PAIRS}
_CLOSING = {pair[1]: pair[0] for pair in _PAIRS}
# half-width and full-width ones are often mixed, so they count as one pair
_ONE_WIDTH = str.maketrans("（）［］｛｝＂＇", "()[]{}\"'")
_STRAIGHT = "\"'"
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])['’](?=[A-Za-z])|(?<=[sS])['’](?=\s)")

_HAN = re.compile(r"[\u3400-\u9fff]")
_DOUBLED = re.compile(r"([\u3400-\u9fff])\1+")
_LETTERS = "A-Za-z\u00c0-\u024f"
_LETTER = re.compile(rf"[{_LETTERS}\u3400-\u9fff]")
_LATIN = re.compile(rf"[{_LETTERS}0-9]+(?:['’][{_LETTERS}]+)*(?:\+\+|#)?")
_LATIN_RUN = re.compile(rf"[{_LETTERS}0-9]+(?:[ \u00a0_-][{_LETTERS}0-9]+)+")
_BREAK = re.compile(r"[\s，。：；、！？,:;!?—…|｜]+")
_UNIT = re.compile(rf"{_LATIN.pattern}|\S")


def flags(title: str, article: str) -> tuple[str, ...]:
    """Tell which of an editor's checks a title fails.

    Args:
        title: The title; white space at its ends does not matter. An empty one fails none.
        article: What it was written for.

    Returns:
        Names of `CHECKS`, in that order; empty for a sound title.
    """
    return Editor(article).flags(title)


class Editor:
    """Checks titles of one article; what is known of the article is found out once.

    Args:
        article: The text.
    """

    def __init__(self, article: str) -> None:
        self.article = _simple(article)
        self._found: dict[str, tuple[str, ...]] = {}

    def flags(self, title: str) -> tuple[str, ...]:
        """The names of the checks that a title fails."""
        title = _simple(title.strip())
        if title not in self._found:
            self._found[title] = tuple(name for name, fails in CHECKS.items() if title and fails(self, title))
        return self._found[title]

    @cached_property
    def figures(self) -> Figures:
        """The numbers of the article."""
        return Figures(self.article)

    @cached_property
    def latin(self) -> frozenset[str]:
        """The words of Latin letters, in small letters."""
        return frozenset(word.lower() for word in _LATIN.findall(self.article))


def _simple(text: str) -> str:
    """A text in the characters that the word lists are written in."""
    return simplified(text) if has_traditional(text) else text


def unpaired(title: str) -> bool:
    """Tell whether a quote or a bracket has no partner; that inside a word is an apostrophe."""
    text = _APOSTROPHE.sub("", title).translate(_ONE_WIDTH)
    waiting: list[str] = []
    for character in text:
        if character in _OPENING:
            waiting.append(character)
        elif character in _CLOSING and (not waiting or waiting.pop() != _CLOSING[character]):
            return True
    return bool(waiting) or any(text.count(quote) % 2 for quote in _STRAIGHT)


def repeats(title: str, article: str) -> bool:
    """Tell whether a span comes twice at once, or a long one twice.

    What may: numbers (2020), 一步一步 and two characters doubled as in the article, 天天 and other words of
    the dictionary, and two equal characters that belong to neighbouring words, as in 贺国强强调.
    """
    units = _UNIT.findall(title)
    return _twice_at_once(units, article) or _stutters(title, article) or _long_one_twice(title)


def _twice_at_once(units: list[str], article: str) -> bool:
    for size in range(1, len(units) // 2 + 1):
        equal = 0  # units in a row that stand again `size` units later
        for place, (unit, later) in enumerate(zip(units, units[size:], strict=False)):
            equal = equal + 1 if unit == later else 0
            if equal >= size and not _may_repeat(units[place - size + 1 : place + 1], article):
                return True
    return False


def _may_repeat(span: list[str], article: str) -> bool:
    text = "".join(span)
    if len(span) == 1:  # a word of letters; `_stutters` looks at single Chinese characters
        return len(text) == 1 or text.isdigit()
    return not _LETTER.search(text) or (len(text) == 2 and (text[0] == "一" or 2 * text in article))


def _stutters(title: str, article: str) -> bool:
    """Whether a character comes twice and one of the two is a word of its own: 茄茄子, 的的."""
    for found in _DOUBLED.finditer(title):
        run = found.group()
        if run in article or (len(run) == 2 and known(run)):
            continue
        if len(run) > 2 or run[0] in _words_over(title, found.start(), found.end()):
            return True
    return False


def _words_over(title: str, start: int, end: int) -> Iterator[str]:
    """The words of the title that have a part of `title[start:end]`."""
    at = 0
    for word in words(title):
        if at < end and start < at + len(word):
            yield word
        at += len(word)


def _long_one_twice(title: str) -> bool:
    """Whether a long span comes twice; one a little shorter may, but not within a clause."""
    return _comes_twice(title, LONG) or any(_comes_twice(one, LONG - 1) for one in _BREAK.split(title))


def _comes_twice(text: str, least: int) -> bool:
    """Whether a span comes twice that has so many characters; a word of letters counts as two."""
    units = _UNIT.findall(text)
    first: dict[tuple[str, ...], int] = {}  # where each span stands first, the shortest that is long enough
    for start in range(len(units)):
        span = _long_span(units, start, least)
        if span and first.setdefault(span, start) + len(span) <= start:
            return True
    return False


def _long_span(units: list[str], start: int, least: int) -> tuple[str, ...]:
    """The shortest span from a place that has so many characters; empty where the text ends before it."""
    characters = chinese = 0
    for stop in range(start, len(units)):
        characters += min(len(units[stop]), 2)
        chinese += bool(_HAN.match(units[stop]))
        if characters >= least and chinese >= LONG_HAN and stop > start:
            return tuple(units[start : stop + 1])
    return ()


def cuts_latin(title: str, article: frozenset[str]) -> bool:
    """Tell whether a word of Latin letters is a piece of one of the article's, and not one itself.

    Args:
        title: The title.
        article: The article's words, in small letters. `ApplePay` allows for `Apple Pay`.
    """
    apart = {
        word
        for run in _LATIN_RUN.findall(title.lower())
        if "".join(_LATIN.findall(run)) in article
        for word in _LATIN.findall(run)
    }
    written = set(_LATIN.findall(title.lower())) - article - apart
    return any(word in whole for word in written if not word.isdigit() for whole in article)


# what fails a check, by its name
CHECKS: dict[str, Callable[[Editor, str], bool]] = {
    "number": lambda editor, title: editor.figures.wrong(title),
    "mark": lambda editor, title: unpaired(title),
    "repeat": lambda editor, title: repeats(title, editor.article),
    "latin": lambda editor, title: cuts_latin(title, editor.latin),
    "ending": lambda editor, title: left_open(title) or ends_inside(title, editor.article),
    "short": lambda editor, title: len(title) < SHORTEST,
}
