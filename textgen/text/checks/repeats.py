"""The check that a title says nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from operator import eq

from textgen.text.checks.figures import meant
from textgen.text.checks.numbers import plain_digits
from textgen.text.subsequence import common_subsequence
from textgen.text.words import is_word, words

LONG = 5  # characters of a span that may not come twice
LONG_HAN = 3  # how many of them are Chinese: a product may be named twice
NAMED = 2  # characters in which two names differ that end alike
BEGUN = 4  # units with which two clauses in a row may not begin
SAME, SHARED = 0.65, 6  # share and number of units that neighbouring clauses may not share

LETTERS = "A-Za-z\u00c0-\u024f"
LATIN = re.compile(rf"[{LETTERS}0-9]+(?:['’][{LETTERS}]+)*(?:\+\+|#)?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_DOUBLED = re.compile(r"([\u3400-\u9fff])\1+")
_LETTER = re.compile(rf"[{LETTERS}\u3400-\u9fff]")
_UNIT = re.compile(rf"{LATIN.pattern}|\S")  # what is counted: a word of letters, or one character
_MARKS = r"\s，。：；！？,:;!?—…|｜"
_SENTENCE_BREAK = re.compile(rf"[{_MARKS}]+")  # 、 stands between names, which may begin alike
_BREAK = re.compile(rf"[{_MARKS}、]+")
_CLAUSE = re.compile(rf"[^{_MARKS}、]+")
_OPPOSITES = re.findall(  # the first character of each stands against the second
    r"(\S)(\S)",
    "涨跌 升降 增减 增降 早晚 男女 上下 左右 前后 新旧 大小 高低 东西 南北 有无 胜负 胜败 买卖 进出 内外 冷热"
    " 春秋 夏冬 老少 古今 好坏 快慢 强弱 生死 来去 开关 进退 远近 长短 城乡 昨今 今明",
)
# measures and verbs that are doubled in sound Chinese: 年年丰收, 说说大学
_DOUBLES = frozenset(
    "年月日天夜人家户件个条样种处层步次回代村事时岁句字页张座场篇道片阵朵滴点"
    "看说聊谈试想听走问讲读写学玩逛吃尝算找等猜比笑动练查改瞧数坐转歇"
)
# before a verb of two characters that is doubled: 一起研究研究
_TRY = re.compile(r"(?:一起|来|去|得|要|想|该|请|再|先|好好|多|我们|大家|咱们|[你我他她])$")


def repeats(title: str, article: str) -> bool:
    """Tell whether a span comes twice at once, or a long one twice.

    What may: numbers (2020), 一步一步 and two characters doubled as in the article, 天天, 年年, 软软糯糯 and
    other doubled words, 一起研究研究, a long span that stands twice in the article as it does here, and two
    equal characters that belong to neighbouring words, as in 贺国强强调.
    """
    units = _UNIT.findall(title)
    return (
        _twice_at_once(units, article)
        or _stutters(title, article)
        or _long_one_twice(title, article)
        or _says_a_clause_again(title, article)
    )


def _twice_at_once(units: list[str], article: str) -> bool:
    """Whether a span of two units or more, or a word of letters, stands twice in a row."""
    written = [bool(_LETTER.search(unit)) for unit in units]
    # marks equal nothing here, so that most sizes of most titles are passed over at once
    letters = [unit if letter else object() for unit, letter in zip(units, written, strict=True)]
    # `_stutters` looks at single Chinese characters
    if any(unit == later and len(unit) > 1 and not unit.isdigit() for unit, later in pairwise(units)):
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
                size == 2 and _may_come_twice(units[place - 1] + unit, "".join(units[: place - 1]), article)
            ):
                return True
    return False


def _may_come_twice(pair: str, before: str, article: str) -> bool:
    if len(pair) != 2:
        return False
    return pair[0] == "一" or 2 * pair in article or (bool(_TRY.search(before)) and is_word(pair))


def _stutters(title: str, article: str) -> bool:
    """Whether a character comes twice, and that is no word: 茄茄子, 的的, 牛牛."""
    doubled = [found for found in _DOUBLED.finditer(title) if not _may_be_doubled(found, title, article)]
    if any(len(found.group()) > 2 for found in doubled):
        return True
    over = [word for word in words(title) for _ in word] if doubled else []  # the word over each character
    return any(
        # one of the two is a word of its own, or jieba guessed one that no dictionary has
        word == found.group()[0] or (found.group() in word and not is_word(word))
        for found in doubled
        for word in over[found.start() : found.end()]
    )


def _may_be_doubled(found: re.Match[str], title: str, article: str) -> bool:
    """Whether a doubled character is a word, or half of one such as 软软糯糯."""
    run = found.group()
    if len(run) > 2 or run in article:
        return run in article
    beside = _DOUBLED.match(title, found.end()) or _DOUBLED.match(title, max(0, found.start() - 2))
    half = beside is not None and beside.start() != found.start() and len(beside.group()) == 2
    return half or run[0] in _DOUBLES or is_word(run)


def _long_one_twice(title: str, article: str) -> bool:
    """Whether a long span comes twice; one a little shorter may, but not within a clause."""
    clauses = [(found.start(), found.group()) for found in _CLAUSE.finditer(title)]
    if any(
        not _stands_in(clause[one.start : other.stop], article)
        and not _are_names(clause, one, other, article, behind=NAMED)
        for _, clause in clauses
        for one, other in _twice(clause, LONG - 1)
    ):
        return True

    def clause_at(place: int) -> str:
        return next((clause for start, clause in clauses if start <= place < start + len(clause)), "")

    return any(
        not _stands_in(title[one.start : other.stop], article)
        and not _are_names(title, one, other, article, behind=NAMED)
        and not _are_names(title, one, other, article, before=NAMED)
        and not _contrast(clause_at(one.start), clause_at(other.stop - 1))
        for one, other in _twice(title, LONG)
    )


def _are_names(
    text: str, one: range, other: range, article: str, *, before: int = 0, behind: int = 0
) -> bool:
    """Whether equal spans, with so many characters beside them, are two names of the article.

    They begin 医疗救治专家组 and 医疗救治工作, and end 河北股权交易所 and 雄安股权交易所.
    """
    left, right = (text[max(0, span.start - before) : span.stop + behind] for span in (one, other))
    return left != right and len(left) == len(right) and left in article and right in article


def _says_a_clause_again(title: str, article: str) -> bool:
    """Whether a clause begins as the one before it, or has most of its units: 豪取五连胜, 夺得五连胜.

    一个人的生活，一个人的旅行 is a figure of speech; the beginning that comes twice is one of the article's.
    """
    clauses = [clause for clause in _SENTENCE_BREAK.split(title) if clause]
    return any(
        (_begins_alike(one, other, article) or _mostly_equal(one, other))
        and not _stands_in(one + other, article)
        and not _contrast(one, other)
        for one, other in pairwise(clauses)
    )


def _begins_alike(one: str, other: str, article: str) -> bool:
    units = list(_UNIT.finditer(one))[:BEGUN]
    same = [unit.group() for unit in units] == _UNIT.findall(other)[:BEGUN]
    return len(units) == BEGUN and same and not one.startswith("一个") and one[: units[-1].end()] in article


def _mostly_equal(one: str, other: str) -> bool:
    left, right = _UNIT.findall(one), _UNIT.findall(other)
    shortest, longest = sorted((len(left), len(right)))
    return longest * SAME <= shortest and common_subsequence(left, right) >= max(SHARED, SAME * longest)


def _stands_in(text: str, article: str) -> bool:
    """Whether the article has a text as it is, whatever the marks in it."""
    return _BREAK.sub("", text) in _BREAK.sub("", article)


def _contrast(one: str, other: str) -> bool:
    """Whether two clauses are parallel and differ in a number or in opposite words: 早上…？晚上…？"""
    left, right = ([number.key for number in meant(plain_digits(clause))] for clause in (one, other))
    if left and len(left) == len(right) and left != right:
        return True
    return any(
        (a in one and a not in other and b in other and b not in one)
        or (b in one and b not in other and a in other and a not in one)
        for a, b in _OPPOSITES
    )


def _twice(text: str, least: int) -> Iterator[tuple[range, range]]:
    """Both places of spans that come twice and have so many characters; a word of letters counts as two."""
    found = list(_UNIT.finditer(text))
    units = [unit.group() for unit in found]
    first: dict[tuple[str, ...], int] = {}  # where each span stands first, the shortest that is long enough
    for start, stop in _long_spans(units, least):
        place = first.setdefault(tuple(units[start:stop]), start)
        end = place + stop - start
        if end <= start:
            one = range(found[place].start(), found[end - 1].end())
            yield one, range(found[start].start(), found[stop - 1].end())


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
