"""How many things an article lists, and whether a title may count them: 7 个命令行工具."""

from __future__ import annotations

import re
from functools import cached_property

MOST_COUNTED = 20  # of a list that a title may count
LONGEST = 30  # characters of a line that may be a heading or an item

_COUNTING = "个款种条项步类大招位件例点"  # what lists are counted by
_NUMERAL = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_MARKED = re.compile(
    r"[-*+•●·◆■※]\s"
    rf"|[(（]{_NUMERAL}[)）]|{_NUMERAL}(?:[、)）]|[.:：](?!\d))|[①-⑳]"
    rf"|(?:[Qq]|第|步骤\s?|[Ss]tep\s?){_NUMERAL}(?!\d)"
)
_SENTENCE = re.compile(r"[，。；！？,;!?…]|[.:：]$")  # what neither a heading nor an item of a list has
_CLAUSE = re.compile(r"[，。；：！？、,:;!?()（）|｜…—\n]+")
_THING = re.compile(r"[A-Za-z]+|(?=([\u3400-\u9fff]{2}))")
# they speak of several things without counting them
_SEVERAL = re.compile(
    r"(?:[一这那]些|几[个款种条项类]|以下|如下|下列|下面|多[款种])([^，。；：！？,;:!?\n]{1,16})"
)


class Listing:
    """What an article lists: lines with a mark or a number in front, and headings.

    Args:
        article: The text, with half-width digits.
    """

    def __init__(self, article: str) -> None:
        self._article = article

    def allows(self, count: int, behind: str) -> bool:
        """Tell whether a title may count so many things although the article does not.

        They must be spoken of in the article, and as many be listed there; half as many will do where it
        says 这些工具 or the like, since several may stand below one heading.

        Args:
            count: How many.
            behind: What stands behind the number in the title: 个命令行工具.
        """
        if not 2 <= count <= MOST_COUNTED or behind[:1] not in _COUNTING:
            return False
        things = _things(_CLAUSE.split(behind[1:])[0])
        if count <= self._length:
            return any(thing in self._article.lower() for thing in things)
        return count <= 2 * self._length and not things.isdisjoint(self._several)

    @cached_property
    def _length(self) -> int:
        lines = [line.strip() for line in self._article.split("\n")]
        marked = sum(bool(_MARKED.match(line)) for line in lines)
        short = sum(0 < len(line) <= LONGEST and not _SENTENCE.search(line) for line in lines)
        return max(marked, short)

    @cached_property
    def _several(self) -> frozenset[str]:
        return frozenset[str]().union(*(_things(found[1]) for found in _SEVERAL.finditer(self._article)))


def _things(text: str) -> frozenset[str]:
    """The words of letters, and every two Chinese characters that stand together."""
    return frozenset((found[1] or found[0]).lower() for found in _THING.finditer(text)) - {""}
