"""Number expressions of a Chinese text: where they stand, and what they are worth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import prod

PERCENT = "%"

# one character for one, so that places stay what they are
_WIDTHS = str.maketrans("０１２３４５６７８９％．，：∶﹕〇○萬億兩點", "0123456789%.,:::零零万亿两点")
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_SCALES = {"万": 10**4, "亿": 10**8}

_HAN = "零一二两三四五六七八九十百千万亿"
_SCALE = "(?:[十百千]?万亿|[十百千]?[万亿]|[百千](?=万|亿|元|人|吨|多|余|$))"
_ARABIC = r"(?>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*)"
_NO_NAME = "(?![A-Za-z](?![A-Za-z]))"  # 5G, 3D and 30a are words
_ABOUT = "[余多来几]?"
_EXPRESSION = re.compile(
    rf"(?P<share>[百千万]分之)\s?(?:(?P<share_arabic>{_ARABIC})|(?P<share_han>[{_HAN}]+(?:点[{_HAN}]+)?))"
    rf"|(?P<below>[{_HAN}]+)分之(?P<above>[{_HAN}]+)"
    rf"|(?<![A-Za-z0-9_.])(?P<arabic>{_ARABIC}){_NO_NAME}\s?(?:(?P<percent>%)|(?P<scale>{_ABOUT}\s?{_SCALE}))?"
    rf"|(?P<tenths>[一二两三四五六七八九])成(?![为立就功本员长果交都千分败人])"
    rf"|(?P<han>[{_HAN}]+(?:点[零一二三四五六七八九]+)?)"
)
_RANGE = re.compile(r"\s?[-–—－~～至到]\s?")
_PAIR = re.compile(r"\s?[-–—－~～至到:比]\s?")


@dataclass(frozen=True)
class Number:
    """A number expression.

    Attributes:
        start: Where it begins in the text.
        end: Where it ends.
        value: What it is worth; the text of a version or a decimal that ends in 0 and has no unit, which is
            another version (5.10 is not 5.1).
        kind: `%` for a share (百分之六 and 六成 too), else empty.
        arabic: Whether it is written in digits.
    """

    start: int
    end: int
    value: Fraction | str
    kind: str
    arabic: bool

    @property
    def key(self) -> tuple[Fraction | str, str]:
        """Value and kind, which equal numbers share however they are written."""
        return self.value, self.kind


def plain_digits(text: str) -> str:
    """The text with half-width digits and marks of numbers, of the same length."""
    return text.translate(_WIDTHS)


def numbers(text: str) -> list[Number]:
    """Find all number expressions, those of single Chinese numerals too.

    12,000, １２０００, 1.2万 and 一万二千 are worth the same, and so are 6.2%, 百分之六点二 and ６．２％. A
    number with letters in front or a single one behind, as in MH370 and 5G, is a part of a word.

    Args:
        text: Any text.

    Returns:
        In their order; both ends of a range, and both sides of a ratio, are numbers of their own.
    """
    text = plain_digits(text)
    found = list(_singles(text))
    for n, (one, other) in enumerate(pairwise(found)):
        # the sign behind a range is of both its ends
        if other.kind and not one.kind and _RANGE.fullmatch(text, one.end, other.start):
            found[n] = replace(one, kind=other.kind, value=_shared(one.value))
    return found


def ratios(text: str, found: list[Number]) -> list[tuple[int, int]]:
    """The pairs of numbers that stand beside each other as in 3比2, 3:2 or 3-2.

    Args:
        text: The text.
        found: Its numbers.

    Returns:
        The places in `found` of both sides.
    """
    text = plain_digits(text)
    return [
        (n, n + 1)
        for n, (one, other) in enumerate(pairwise(found))
        if _PAIR.fullmatch(text, one.end, other.start)
    ]


def _shared(value: Fraction | str) -> Fraction | str:
    return value / 100 if isinstance(value, Fraction) else value


def _singles(text: str) -> Iterator[Number]:
    at = 0
    while found := _EXPRESSION.search(text, at):
        end = found.end()
        if found["share"]:
            part = _decimal(found["share_arabic"]) if found["share_arabic"] else _han(found["share_han"])
            whole = {"百": 100, "千": 1000, "万": 10000}[found["share"][0]]
            yield Number(found.start(), end, Fraction(part) / whole, PERCENT, bool(found["share_arabic"]))
        elif found["below"]:
            below = _han(found["below"])
            value = _han(found["above"]) / below if below else Fraction(0)
            yield Number(found.start(), end, value, "", arabic=False)
        elif found["arabic"]:
            number, end = _arabic(text, found)
            yield number
        elif found["tenths"]:
            yield Number(found.start(), end, _han(found["tenths"]) / 10, PERCENT, arabic=False)
        else:
            yield Number(found.start(), end, _han(found["han"]), "", arabic=False)
        at = end


def _arabic(text: str, found: re.Match[str]) -> tuple[Number, int]:
    """A number in digits, with the lower parts of one such as 1亿3786万, and where it ends."""
    digits = found["arabic"]
    end = found.end() if found["percent"] or found["scale"] else found.end("arabic")
    tail = "." in digits and digits.endswith("0") and end == found.end("arabic")
    if digits.count(".") > 1 or (tail and not _OF_SIZE.match(text, end)):
        return Number(found.start(), end, digits, "", arabic=True), end
    value = Fraction(_decimal(digits))
    if found["percent"]:
        return Number(found.start(), end, value / 100, PERCENT, arabic=True), end
    scale = _worth(found["scale"])
    value *= scale
    while scale >= 10**4 and (lower := _LOWER.match(text, end)):
        below = _worth(lower["scale"])
        if below >= scale:
            break
        value += Fraction(_decimal(lower["arabic"])) * below
        scale, end = below, lower.end()
    return Number(found.start(), end, value, "", arabic=True), end


_OF_SIZE = re.compile(r"\s?(?:[元块角米吨克升秒岁亩倍度℃]|[美欧港]元|[公千厘毫平])")  # 9.90元 is no version
_LOWER = re.compile(rf"(?P<arabic>\d+(?:\.\d+)?)(?P<scale>{_SCALE})?(?![\d.%])")


def _worth(scale: str | None) -> int:
    return prod((_PLACES | _SCALES).get(character, 1) for character in scale or "")


def _decimal(digits: str) -> Fraction:
    whole, *rest = digits.replace(",", "").split(".")
    return Fraction(f"{whole}.{rest[0]}" if rest else whole)


def _han(numeral: str) -> Fraction:
    """The value of a Chinese numeral: 一千二百, 二零二四, 三点五, 十二亿."""
    whole, _, decimals = numeral.partition("点")
    value = Fraction(_han_integer(whole))
    for place, digit in enumerate(decimals, 1):
        value += Fraction(_DIGITS[digit], 10**place) if digit in _DIGITS else 0
    return value


def _han_integer(numeral: str) -> int:
    if len(numeral) > 1 and all(character in _DIGITS for character in numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))  # a year, a room
    total = section = digit = last = 0
    for character in numeral:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _PLACES:
            section += (digit or 1) * _PLACES[character]
            digit = 0
        else:
            scale, section = _SCALES[character], section + digit
            # 万亿 multiplies all that stands before, the 万 of 一亿两千万 only what stands behind 亿
            total = (total + section or 1) * scale if scale >= last else total + section * scale
            section, digit, last = 0, 0, scale
    return total + section + digit
