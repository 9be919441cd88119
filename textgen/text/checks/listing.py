"""The number of things that an article lists, which a title may count: 7 个命令行工具."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from itertools import pairwise

MOST_COUNTED = 20  # of a list that a title may count
LONGEST = 30  # characters of a line that may be a heading or an item

_COUNTED = re.compile("[个款种条项步类件点]|例(?=子)")  # what lists are counted by; 位 counts people
_NUMERAL = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_MARKED = re.compile(
    r"(?P<bullet>[-*+•●·◆■※])\s"
    r"|(?P<bracket>[(（])(?:\d{1,2}|[一二三四五六七八九十]{1,3})[)）]"
    r"|(?P<digits>\d{1,2})(?:[、)）]|[.:：](?!\d))"
    r"|(?P<numeral>[一二三四五六七八九十]{1,3})(?:[、)）]|[.:：](?!\d))"
    r"|(?P<circle>[①-⑳])"
    rf"|(?P<word>[Qq]|第|步骤\s?|[Ss]tep\s?){_NUMERAL}(?!\d)"
)
_SENTENCE = re.compile(r"[，。；！？,;!?…]|[.:：]$")  # what neither a heading nor an item of a list has
# lines that speak of the text: 来源：…, 记者 王五, 2024-03-05; and headings of no item
_ABOUT_THE_TEXT = re.compile(
    r"(?:记者|通讯员|编辑|责编|作者|来源|摄影|时间|日期|[图文])[\s/／：:]|(?:19|20)\d\d\s?[-年/.]"
    r"|(?:总结|小结|结语|结论|结束语|写在最后|前言|引言)$"
)
_NAMED = re.compile(r"[^：:]{1,8}[：:]")  # 地址：…, which is a heading only with a paragraph below
_CLAUSE = re.compile(r"[，。；：！？、,:;!?()（）|｜…—\n]+")
_THING = re.compile(r"[A-Za-z]+|(?=([\u3400-\u9fff]{2}))")
# they speak of several things without counting them
_SEVERAL = re.compile(
    r"(?:[一这那]些|几[个款种条项类]|以下|如下|下列|下面|多[款种])([^，。；：！？,;:!?\n]{1,16})"
)


class Listing:
    """The lists of an article: lines with a mark or a number in front, and headings.

    Args:
        article: The text, with half-width digits.
    """

    def __init__(self, article: str) -> None:
        self._article = article

    def allows(self, count: int, behind: str) -> bool:
        """Tell whether a title may count so many things although the article does not.

        They must be spoken of in the article, and exactly as many be listed there. Where it says 这些工具 or
        the like, headings may be half as many, since several tools may stand below one.

        Args:
            count: How many.
            behind: What stands behind the number in the title: 个命令行工具.
        """
        measure = _COUNTED.match(behind)
        if not 2 <= count <= MOST_COUNTED or measure is None:
            return False
        things = _things(_CLAUSE.split(behind[1:])[0])
        if count in self._marked or count in self._headings:
            return any(thing in self._article.lower() for thing in things)
        below = any(length < count <= 2 * length for length in self._headings)
        return below and not things.isdisjoint(self._several)

    @cached_property
    def _marked(self) -> set[int]:
        """The number of lines with each kind of mark in front, or the first one of those that count down."""
        found = [mark for line in self._lines if (mark := _MARKED.match(line))]
        places = [int(mark["digits"]) for mark in found if mark["digits"]]
        down = len(places) > 1 and all(one == other + 1 for one, other in pairwise(places))
        return {*Counter(mark.lastgroup for mark in found).values(), *places[: 1 if down else 0]}

    @cached_property
    def _headings(self) -> set[int]:
        """The number of short lines that stand before a paragraph each, and of those together between two."""
        alone, together = 0, Counter[int]()
        paragraphs = 0
        introduced = False  # whether the last paragraph ends with a colon
        for line, after in zip(self._lines, [*self._lines[1:], ""], strict=True):
            if not _is_short(line):
                paragraphs, introduced = paragraphs + 1, line.endswith((":", "："))
                continue
            alone += bool(after) and not _is_short(after)
            together[paragraphs] += bool(paragraphs) and not _NAMED.match(line)
        # the last lines of an article that nothing introduces are those of its makers
        if self._lines and _is_short(self._lines[-1]) and not introduced:
            del together[paragraphs]
        return {alone, *together.values()} - {0, 1}

    @cached_property
    def _lines(self) -> list[str]:
        lines = [line for line in map(str.strip, self._article.split("\n")) if line]
        often = Counter(lines)  # a heading such as 安装说明 below each item is none
        return [
            line
            for line in lines
            if not (_is_short(line) and (often[line] > 1 or _ABOUT_THE_TEXT.match(line)))
        ]

    @cached_property
    def _several(self) -> frozenset[str]:
        return frozenset[str]().union(*(_things(found[1]) for found in _SEVERAL.finditer(self._article)))


def _is_short(line: str) -> bool:
    """Whether a line may be a heading or an item."""
    return len(line) <= LONGEST and not _SENTENCE.search(line) and not _MARKED.match(line)


def _things(text: str) -> frozenset[str]:
    """The words of letters, and every two Chinese characters that stand together."""
    return frozenset((found[1] or found[0]).lower() for found in _THING.finditer(text)) - {""}
