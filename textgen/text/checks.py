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
from itertools import pairwise
from operator import eq

from textgen.text.endings import ends_inside, left_open
from textgen.text.figures import Figures
from textgen.text.subsequence import common_subsequence
from textgen.text.traditional import has_traditional, simplified
from textgen.text.words import known, words

SHORTEST = 3  # characters of a title
LONG = 5  # characters of a span that may not come twice
LONG_HAN = 3  # how many of them are Chinese: a product may be named twice
BEGUN = 4  # characters with which two clauses in a row may not begin
SAME, SHARED = 0.65, 6  # share and number of characters that neighbouring clauses may not share

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
    return (
        _twice_at_once(units, article)
        or _stutters(title, article)
        or _long_one_twice(title)
        or _says_a_clause_again(title, article)
    )


def _twice_at_once(units: list[str], article: str) -> bool:
    written = [bool(_LETTER.search(unit)) for unit in units]
    # marks equal nothing here, so that most sizes of most titles are passed over at once
    letters = [unit if letter else object() for unit, letter in zip(units, written, strict=True)]
    if any(map(_may_not_follow_itself, units, units[1:])):
        return True
    for size in range(2, len(units) // 2 + 1):
        if not any(map(eq, letters, letters[size:])):
            continue  # a span of marks alone may come twice
        equal = 0  # units in a row that stand again `size` units later
        last = -1  # of them, where a letter stands
        for place, (unit, later) in enumerate(zip(units, units[size:], strict=False)):
            equal = equal + 1 if unit == later else 0
            last = place if written[place] else last
            if equal >= size > place - last and not (
                size == 2 and _may_come_twice(units[place - 1] + unit, article)
            ):
                return True
    return False


def _may_not_follow_itself(unit: str, later: str) -> bool:
    """Whether it is a word of letters; `_stutters` looks at single Chinese characters."""
    return unit == later and len(unit) > 1 and not unit.isdigit()


def _may_come_twice(pair: str, article: str) -> bool:
    return len(pair) == 2 and (pair[0] == "一" or 2 * pair in article)


def _stutters(title: str, article: str) -> bool:
    """Whether a character comes twice, and that is no word: 茄茄子, 的的, 牛牛."""
    doubled = [found for found in _DOUBLED.finditer(title) if not _is_a_word(found.group(), article)]
    if any(len(found.group()) > 2 for found in doubled):
        return True
    over = [word for word in words(title) for _ in word] if doubled else []  # the word over each character
    return any(
        # one of the two is a word of its own, or jieba guessed one that no dictionary has
        word == found.group()[0] or (found.group() in word and not known(word))
        for found in doubled
        for word in over[found.start() : found.end()]
    )


def _is_a_word(run: str, article: str) -> bool:
    return run in article or (len(run) == 2 and known(run))


def _long_one_twice(title: str) -> bool:
    """Whether a long span comes twice; one a little shorter may, but not within a clause."""
    return _comes_twice(title, LONG) or any(_comes_twice(one, LONG - 1) for one in _BREAK.split(title))


def _says_a_clause_again(title: str, article: str) -> bool:
    """Whether a clause begins as the one before it, or has most of its characters: 豪取五连胜, 夺得五连胜.

    一个人的生活，一个人的旅行 is a figure of speech; the beginning that comes twice is one of the article's.
    """
    clauses = [clause for clause in _BREAK.split(title) if clause]
    return any(
        (len(one) >= BEGUN and one[:BEGUN] == other[:BEGUN] and one[:BEGUN] in article)
        or (
            len(one) * SAME <= len(other) <= len(one) / SAME
            and common_subsequence(one, other) >= max(SHARED, SAME * max(len(one), len(other)))
        )
        for one, other in pairwise(clauses)
    )


def _comes_twice(text: str, least: int) -> bool:
    """Whether a span comes twice that has so many characters; a word of letters counts as two."""
    units = _UNIT.findall(text)
    first: dict[tuple[str, ...], int] = {}  # where each span stands first, the shortest that is long enough
    for start, stop in _long_spans(units, least):
        if first.setdefault(tuple(units[start:stop]), start) + stop - start <= start:
            return True
    return False


def _long_spans(units: list[str], least: int) -> Iterator[tuple[int, int]]:
    """The shortest span from each place that has so many characters, while the text goes on so long."""
    lengths = [min(len(unit), 2) for unit in units]
    chinese = [bool(_HAN.match(unit)) for unit in units]
    length = han = stop = 0
    for start in range(len(units)):
        while length < least or han < LONG_HAN or stop < start + 2:
            if stop == len(units):
                return
            length, han, stop = length + lengths[stop], han + chinese[stop], stop + 1
        yield start, stop
        length, han = length - lengths[start], han - chinese[start]


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
