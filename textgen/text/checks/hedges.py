"""Numbers with a hedge, and the exact numbers that they may stand for: 超70万, 近百家, 180家左右, 三年多."""

from __future__ import annotations

import re
from fractions import Fraction

from textgen.text.checks.numbers import Number

ROUNDED = Fraction(1, 10)  # by which a number beside 超 or 约 may always differ from the exact one
ALMOST = Fraction(7, 10)  # of 一千 that are 近千, where less would go down to nothing

# before a number; 经过, 通过 and 附近 are other words
_MORE = re.compile(r"(?:(?<!不)超过?|逾|突?破|(?<![经通不度超])过|不[少低]于|至少)\s?$")
_LESS = re.compile(r"(?:(?<![附最])近|不足|不到|不超过?|不过|至多|最多)\s?$")
_UP_TO = re.compile(r"(?<![线网路晚早以会])上\s?$")  # 上千人
_NEAR = re.compile(r"约\s?$")
_SEVERAL = re.compile(r"[几数]$")
# behind it, and behind its unit: 180家左右. 3人上下一心, 18省多地 and 3天多云 say something else
_UNIT = r"\s?[\u3400-\u9fffA-Za-z%]{0,4}?"
_ABOUT_IT = re.compile(rf"\s?来|{_UNIT}(?:左右(?!手)|上下(?![一同齐游班联]))")
_OR_MORE = re.compile(rf"(?!\s?周?岁){_UNIT}以上")  # 60岁以上 is a limit
_LIMIT = re.compile(rf"{_UNIT}以[上下]")
_AND_SOME = re.compile(
    r"\s?(?:[余多几]|个[余多](?=月|小时|星期)|(?:年|个月|天|周|小时|分钟|米|公里|公斤|吨|元|亩|倍|里|岁)[余多](?![\u3400-\u9fff])"
    r"|(?:年|个月|天|周|小时|分钟)[余多](?=[来前后的以时]))"
)
_PART = re.compile("[余多几]")
_DIGIT = re.compile("[0-9一二两三四五六七八九]")


def may_stand_for(number: Number, title: str, other: Number, article: str) -> bool:
    """Tell whether a hedged number of a title may stand for an exact one of its article.

    A hedge points one way: 超70万 may stand for 702,642 and not for 692,642, 近70万 the other way round.

    Args:
        number: A number of the title.
        title: The title, with half-width digits.
        other: A number of the article.
        article: The article, with half-width digits.
    """
    if isinstance(number.value, str) or isinstance(other.value, str) or number.kind != other.kind:
        return False
    value, exact = number.value, other.value
    before, written = title[: number.start], title[number.start : number.end]
    if _SEVERAL.search(before) and written[0] in "十百千万亿":
        return 2 * value <= exact < 10 * value
    if _AND_SOME.match(title, number.end) or _PART.search(written):
        return value <= exact < value + _last_place(value)
    if _OR_MORE.match(title, number.end) and not _LIMIT.match(article, other.end):
        return value <= exact <= _most(value, written)
    if _MORE.search(before) or (written[0] in "百千万" and _UP_TO.search(before)):
        return value <= exact <= _most(value, written)
    if _LESS.search(before):
        return _least(value) <= exact <= value
    near = _NEAR.search(before) or _ABOUT_IT.match(title, number.end) or "来" in written
    return bool(near) and abs(exact - value) <= value * ROUNDED


def _most(value: Fraction, written: str) -> Fraction:
    """The largest number that is called more than another: 超三成 is said of 35.4%, 过百亿 of 18 billion."""
    step = value if not _DIGIT.search(written) else _last_place(value)
    return value + max(step, value * ROUNDED)


def _least(value: Fraction) -> Fraction:
    """The smallest number that is called nearly another: 近四成 is said of 35.4%."""
    step = _last_place(value)
    return value * ALMOST if step >= value else value - max(step, value * ROUNDED)


def _last_place(value: Fraction) -> Fraction:
    """The unit of the last digit of a number that is not 0: 10 of 180, 100,000 of 1,500,000."""
    place = Fraction(1)
    while (value / place).denominator != 1:
        place /= 10
    while value and (value / place / 10).denominator == 1:
        place *= 10
    return place
