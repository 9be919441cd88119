"""The check of how a title begins and ends: at a whole word, and not on a particle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from textgen.text.words import is_word, words

# marks behind which something must follow
_LEFT_OPEN = frozenset("，、：；,:;·—–-－~～/&+＋“‘《〈（(【「『[{〔=＝")
# words behind which something must follow; 了, 着, 吗, 等 may end a title
_PARTICLES = frozenset(
    "的地得和与及或并而且但则在把被对为于以从向由将让使给跟同比据按因若之所其该这那各每某更很最第不未是至自当往"
)
_CONNECTIVES = re.compile(
    "(?:以及|对于|关于|至于|由于|因为|为了|根据|按照|通过|随着|以便|如果|但是|并且|而且|或者|或是|还是|就是|(?<![新有大好敢当])作为|成为|有关)$"
)
_PLACES = re.compile("[等多各两三四五]地$")
_HAN = re.compile(r"[\u3400-\u9fff]")
_FIRST_RUN = re.compile(r"[\u3400-\u9fff]+")
_LAST_RUN = re.compile(r"(?P<digits>[0-9A-Za-z]?)(?P<run>[\u3400-\u9fff]+)$")
PARTS = 4  # characters of a word on either side of a place within it
SURE = 2  # characters that are an end if the article has them before a mark


def left_open(title: str) -> bool:
    """Tell whether a title ends on a mark or a particle behind which something must follow.

    我们是如何做的 does not: 是 … 的 is complete. Nor do 目的 and 高地, which are words, 浙苏等地 and 新作为.
    """
    last = title[-1]
    if last in _LEFT_OPEN or _CONNECTIVES.search(title):
        return True
    complete = (last == "的" and "是" in title[:-1]) or bool(_PLACES.search(title))
    # the end of a word is none: 目的, 研究所
    return last in _PARTICLES and not complete and not any(is_word(title[-size:]) for size in (2, 3, 4))


def ends_inside(title: str, article: str) -> bool:
    """Tell whether a title ends inside a word of its article's: 红烧茄子的做 where that has 做法.

    The longest end of the title that stands in the article is looked at. It is cut if, wherever it stands,
    a word of the dictionary goes on behind it, and if the title's last word is none itself. Where that end is
    one character, which may well be a word here, it must be one word that goes on.
    """
    found = _LAST_RUN.search(title)
    # the last character of 40年 is a measure
    if not found or (found["digits"] and len(found["run"]) == 1):
        return False
    if _ends_at_a_mark(found["run"], article) or _ends_with_a_word(found["run"]):
        return False
    size = _copied(title, article)
    places = list(_ends(title[-size:], article)) if size else []
    return _is_cut(found["run"], -1, article, places, alone=size == 1)


def ends_short(title: str, article: str) -> bool:
    """Tell whether what a title copies goes on within a word there: 规划编制 where that has 编制工作.

    It may be sound, and the whole word may be better.
    """
    found = _LAST_RUN.search(title)
    size = _copied(title, article)
    if not found or size <= SURE + 1:
        return False
    places = list(_ends(title[-size:], article))
    inside = all(_may_be_inside(article, place) for place in places)
    return inside and all(_begun(article, place) != ("", "") for place in places)


def begins_inside(title: str, article: str) -> bool:
    """Tell whether a title begins inside a word of its article's, as `ends_inside` tells of its end.

    Titles that are written from right to left may be cut there.
    """
    found = _FIRST_RUN.match(title)
    if not found or _begins_at_a_mark(found[0], article) or _begins_with_a_word(found[0]):
        return False
    size = 0
    while size < len(title) and title[: size + 1] in article:
        size += 1
    # one character alone begins an abbreviation: 工信部 for 工业和信息化部
    places = [end - size for end in _ends(title[:size], article)] if size > 1 else []
    return _is_cut(found[0], 0, article, places)


def _is_cut(run: str, edge: int, article: str, places: list[int], *, alone: bool = False) -> bool:
    """Whether the first word of a run, or its last (-1), is part of a word that the article has everywhere.

    Args:
        run: Of Chinese characters, at an edge of a title.
        edge: Which of its words.
        article: The text.
        places: Where the article has the title's edge.
        alone: What it has there is one character only.
    """
    # jieba, which takes a second to load, is asked only if there may be such a word
    if not places or not all(_may_be_inside(article, place) for place in places):
        return False
    word = words(run)[edge]
    if len(word) > 1 and is_word(word):
        return False
    cut = [_begun(article, place) for place in places]
    if alone and (word != run[edge] or len(set(cut)) > 1 or run.endswith("被", 0, -1)):
        return False
    if edge:
        return all(part and word.endswith(part) for part, _ in cut)
    return all(part and word.startswith(part) for _, part in cut)


def _may_be_inside(article: str, place: int) -> bool:
    """Whether a word of the dictionary goes over a place of the article."""
    around = range(1, PARTS + 1)
    parts = ((before, behind) for before in around for behind in around if before <= place)
    return any(is_word(article[place - before : place + behind]) for before, behind in parts)


def _copied(title: str, article: str) -> int:
    """The length of the longest end of the title that stands in the article."""
    size = 0
    while size < len(title) and title[-size - 1 :] in article:
        size += 1
    return size


def _begins_at_a_mark(run: str, article: str) -> bool:
    """Whether the article has the first characters at the beginning of a clause, too."""
    piece = run[:SURE]
    starts = [end - len(piece) for end in _ends(piece, article)]
    return len(piece) == SURE and any(not start or not _HAN.match(article, start - 1) for start in starts)


def _begins_with_a_word(run: str) -> bool:
    """Whether the first characters are a word and begin none that ends behind them."""
    return is_word(run[:SURE]) and len(run) > SURE and not any(is_word(run[1:end]) for end in (3, 4))


def _ends_at_a_mark(run: str, article: str) -> bool:
    """Whether the article has the last characters at the end of a clause, too."""
    piece = run[-SURE:]
    return len(piece) == SURE and any(not _HAN.match(article, end) for end in _ends(piece, article))


def _ends_with_a_word(run: str) -> bool:
    """Whether the last characters are a word and end none that begins before them, as 比增 does in 同比增.

    It spares the second that jieba takes to load.
    """
    return is_word(run[-SURE:]) and len(run) > SURE and not any(is_word(run[at:-1]) for at in (-3, -4))


def _ends(piece: str, article: str) -> Iterator[int]:
    """The ends of all occurrences of a piece in the article."""
    at = article.find(piece)
    while at >= 0:
        yield at + len(piece)
        at = article.find(piece, at + 1)


def _begun(article: str, place: int) -> tuple[str, str]:
    """The word of the dictionary that goes on behind a place of the article, in two; or nothing."""
    start = end = place
    while start and _HAN.match(article, start - 1):
        start -= 1
    while _HAN.match(article, end):
        end += 1
    if start and article[start - 1].isdigit() and start < place:
        start += 1  # the measure of a number, which jieba takes into a word: 2024|年前
    at = start
    for word in _split(article[start:end]):
        if at < place < at + len(word) and is_word(word):
            return article[at:place], word[place - at :]
        at += len(word)
    return "", ""


@lru_cache(maxsize=256)
def _split(run: str) -> tuple[str, ...]:
    return tuple(words(run))
