"""An editor's checks of a title: its facts against the article, and its form.

The checks are of strings alone, and equal for titles of any origin:

| check | a title fails it if |
|---|---|
| `number` | a number expression or a code is cut, or is not in the article, or its subject is left out |
| `mark` | a quote or a bracket has no partner, unless it needs none |
| `repeat` | a span comes twice at once, or a long one twice, or a clause says what the one before it does |
| `latin` | a word of Latin letters is a part of one of the article's, and not a word there itself |
| `beginning` | it begins inside a word of the article's |
| `ending` | it ends inside a word of the article's, or on a particle or a comma |
| `short` | it has one or two characters |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from textgen.text.checks.edges import begins_inside, ends_inside, ends_short, left_open
from textgen.text.checks.figures import Figures
from textgen.text.checks.repeats import LATIN, LETTERS, repeats
from textgen.text.traditional import has_traditional, simplified

SHORTEST = 3  # characters of a title

_PAIRS = ("《》", "〈〉", "“”", "‘’", "()", "【】", "「」", "『』", "[]", "{}", "〔〕")
_OPENING = {pair[0] for pair in _PAIRS}
_CLOSING = {pair[1]: pair[0] for pair in _PAIRS}
# half-width and full-width ones are often mixed, so they count as one pair
_ONE_WIDTH = str.maketrans("（）［］｛｝＂＇", "()[]{}\"'")
_ITEM = re.compile(r"^(?:\d{1,2}|[一二三四五六七八九十]{1,3}|[a-zA-Z])\)")
_INCHES = re.compile(r"(\d+(?:\.\d+)?)\"")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])['’](?=[A-Za-z])|(?<=[sS])['’](?=\s)")

_LATIN_RUN = re.compile(rf"[{LETTERS}0-9]+(?:[ \u00a0_-][{LETTERS}0-9]+)+")


def flags(title: str, article: str) -> tuple[str, ...]:
    """The names of the editor's checks that a title fails.

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

    def doubts(self, title: str) -> bool:
        """Whether another title is better, though this one is sound: a number is new, or a word goes on."""
        title = _simple(title.strip())
        return self.figures.new(title) or ends_short(title, self.article)

    @cached_property
    def figures(self) -> Figures:
        """The numbers of the article."""
        return Figures(self.article)

    @cached_property
    def latin(self) -> frozenset[str]:
        """The words of Latin letters."""
        return frozenset(LATIN.findall(self.article))


def _simple(text: str) -> str:
    """A text in the characters that the word lists are written in."""
    return simplified(text) if has_traditional(text) else text


def unpaired(title: str, article: str) -> bool:
    """Tell whether a quote or a bracket has no partner.

    That inside a word is an apostrophe, that behind a number of the article's may mean inches, and 1) at the
    beginning is the mark of an item.
    """
    text = _ITEM.sub("", _APOSTROPHE.sub("", title).translate(_ONE_WIDTH))
    waiting: list[str] = []
    for character in text:
        if character in _OPENING:
            waiting.append(character)
        elif character in _CLOSING and (not waiting or waiting.pop() != _CLOSING[character]):
            return True
    if waiting or text.count("'") % 2:
        return True
    return (
        text.count('"') % 2 == 1
        and _INCHES.sub(lambda found: _inches(found, article), text).count('"') % 2 == 1
    )


def _inches(found: re.Match[str], article: str) -> str:
    """A number without its mark of inches, which closes no quote in the article: 12" for 12."""
    lines = [line for line in article.translate(_ONE_WIDTH).split("\n") if found.group() in line]
    return (
        found[1]
        if any(line[: line.index(found.group())].count('"') % 2 == 0 for line in lines)
        else found.group()
    )


def cuts_latin(title: str, article: frozenset[str]) -> bool:
    """Tell whether a word of Latin letters is a part of one of the article's, and not one itself.

    What may stand alone is no part: Windows of Windows10, app of apps, AI of OpenAI.

    Args:
        title: The title.
        article: The article's words. `ApplePay` allows for `Apple Pay`.
    """
    small = {word.lower() for word in article}
    apart = {
        word
        for run in _LATIN_RUN.findall(title.lower())
        if "".join(LATIN.findall(run)) in small
        for word in LATIN.findall(run)
    }
    written = {word for word in LATIN.findall(title.lower()) if not word.isdigit()} - small - apart
    wholes = {word: [whole for whole in article if word in whole.lower()] for word in written}
    return any(
        found and not any(_may_stand_alone(word, whole) for whole in found) for word, found in wholes.items()
    )


def _may_stand_alone(part: str, whole: str) -> bool:
    """Whether a number or a plural s goes on behind a part of a word, or it is its last abbreviation."""
    start = whole.lower().find(part)
    end = start + len(part)
    if start:
        return end == len(whole) and whole[start:].isupper() and whole[start - 1].islower()
    numbered = whole[end - 1].isalpha() and whole[end].isdigit()
    single = end + 1 == len(whole) and (whole[end] == "s" or whole[end].isupper())  # apps, iPhoneX
    return numbered or (single and whole[end - 1] != whole[end])


# what fails a check, by its name
CHECKS: dict[str, Callable[[Editor, str], bool]] = {
    "number": lambda editor, title: editor.figures.wrong(title),
    "mark": lambda editor, title: unpaired(title, editor.article),
    "repeat": lambda editor, title: repeats(title, editor.article),
    "latin": lambda editor, title: cuts_latin(title, editor.latin),
    "beginning": lambda editor, title: begins_inside(title, editor.article),
    "ending": lambda editor, title: left_open(title) or ends_inside(title, editor.article),
    "short": lambda editor, title: len(title) < SHORTEST,
}
