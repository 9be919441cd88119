"""Dates, times of the day, days of the week, seasons, feasts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textgen.text.facts.fact import Fact, Words, listed
from textgen.text.facts.figures import ARABIC, HAN

_COUNT = rf"(?:{ARABIC}|[{HAN}几]+)"
_DAYS = "大?[前昨今明后]天|[昨今明次翌当即同][日天]|[今明昨当]晚|[今明]早|(?:大?前|[去今明后当同本])年"
_WEEKS = (
    "[上下本这每]+(?:个?(?:星期|礼拜)|周)[一二三四五六日天末1-7]?|(?:星期|礼拜|周)[一二三四五六日天末1-7]"
)
_MONTHS = "[上下本这当每]个?月(?:初|底|末|中旬|[上下]旬)?|月[初底末]|年[初底末中]|[上中下]旬|[正腊]月"
_DATES = rf"{_COUNT}年(?:{_COUNT}月)?(?:{_COUNT}[日号])?|{_COUNT}月份?(?:{_COUNT}[日号]?)?"
_DATES += rf"|{_COUNT}[日号]|初[{HAN}]+"
_HOURS = rf"{_COUNT}(?:点钟?|时)(?:整|半|[一三]刻|{_COUNT}分?)?|{_COUNT}:\d\d(?::\d\d)?"
_PARTS = (
    "凌晨|清晨|清早|大清早|早晨|早上|上午|中午|正午|下午|傍晚|黄昏|晚上|晚间|夜里|夜间|夜晚|半夜|深夜|午夜|当晚|一早|全天"
    "|白天|午后|午前|早间"
)
_SEASONS = "(?:[春夏秋冬](?:天|季)|[一二三四]季度|[上下]半年|暑假|寒假|[上下]学期|周末|期[中末])"
_FEASTS = (
    "元旦|春节|除夕|大年[初三]十?[一二三四五六七]?|元宵节?|清明节?|端午节?|中秋节?|重阳节?|国庆节?|劳动节|儿童节|教师节"
    "|妇女节|圣诞节|五一|十一(?=假|长|期|黄)"
)
_EACH = "每(?:天|日|周|月|年|晚|次|回|逢)"
_AGO = "即日|[上下这]次|当时|当初"
_PART = f"(?:{'|'.join((_DAYS, _WEEKS, _MONTHS, _HOURS, _DATES, _SEASONS, _FEASTS, _PARTS, _EACH, _AGO))})"
_JOINT = r"(?:\s?[-–—－~～至到]\s?|的)?"
_TIME = re.compile(
    rf"(?P<core>{_PART}(?:{_JOINT}{_PART})*)(?:左右|前后|以前|以后|之前|之后|前|后|起|内|末|底|初)?"
)
_DIGIT = re.compile(r"\d")
_ORDER = listed("前 后 之前 之后 以前 以后 此前 此后")


def times(text: str, words: Words) -> Iterator[Fact]:
    """Find expressions of time, and what stands before or behind another thing in time.

    Args:
        text: Any text, its digits half-width.
        words: Its words.
    """
    at = 0
    while found := _TIME.search(text, at):
        start, end = found.start(), found.end()
        if not words.edge(end):
            end = found.end("core")
        # 中国庆祝 has no feast and 当年轻人 no year
        if text[start:end] != "一点" and (words.hold(start, end) or _DIGIT.search(text, start, end)):
            yield Fact(start, end, "numbers", "time")
            at = end
        else:
            at = start + 1
    for word, start, end in zip(words.words, words.starts, words.ends, strict=True):
        if word in _ORDER:
            yield Fact(start, end, "numbers", "time")
