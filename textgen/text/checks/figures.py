"""The check that the numbers of a title are those that its article states."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cached_property

from textgen.text.checks.codes import unknown_code
from textgen.text.checks.hedges import may_stand_for
from textgen.text.checks.listing import Listing
from textgen.text.checks.numbers import Number, numbers, plain_digits, ratios
from textgen.text.words import is_word

_MEASURES = (
    "个名人位家项种类所座条款部届轮次期批年月日天周岁国省市县区村级分秒时元吨亩公里米克倍连胜负平冠金银铜场局盘集起件例处只支艘"
    "架辆套台张份枚颗株头户组对双层楼版章篇本册强大"
)
_DATES = {unit: unit for unit in "月季届轮期"} | {"日": "日号", "号": "日号"}  # not 3月 for 三季度
_SHARING = "-–—－~～/.、至到和及与"  # 3、4月; 2024-03-05
# numbers that count nothing: the parts of a date and a time of day, the mark of an item, 第三步, 3月5日
_NO_COUNT = re.compile(
    r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?:\s*\d{1,2}:\d\d)?"
    r"|(?:^|(?<=\n))\s*(?:[（(]?\d{1,2}[)）、]|\d{1,2}[.:](?!\d)|[（(]?[一二三四五六七八九十]{1,3}[)）、])"
    r"|(?:第|步骤\s?|[Qq]|[Ss]tep\s?)(?:\d+|[零一二三四五六七八九十百]+)"
    r"|(?<![\d.])(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s?(?:[月日号时]|点(?!\d))"
    r"|(?<![\d.])\d{1,2}月\d{1,2}[日号]"
)
_COUNTS = re.compile(r"\s?[名人位家款种条项步类件例]|\s?个(?!月)")  # behind a number that counts
_FRACTION = re.compile(r"(?<![\d/])(\d{1,3})/([1-9]\d{0,2})(?![\d/])")  # 1/3 is 三分之一
_EVENING = re.compile(r"(?:晚上?|夜里?|下午|午后|傍晚|中午)\s?$")  # 晚8点 is 20:00
_HOURS = re.compile(r"\s?[点时:]")
_MONEY = re.compile(r"\s?元(?![素旦年月宵])")
_NO_MONEY = re.compile(
    r"\s?(?:m?ah|毫安|[公千厘毫]?米|公里|吨|[公千毫]?克|公?斤|年|月|日|天|人|名|位|岁|个|家|台|辆|套|小时|分钟|秒)",
    re.IGNORECASE,
)
# numerals that are names, where no measure follows: 五一假期
_DAYS = frozenset(["五一", "八一", "六一", "三八", "五四", "七一", "十一", "九一八", "一二九"])
_COUNTRIES = re.compile("两(?:国(?!集团)|[岸会院])")  # 两国元首
# second characters of words that begin with a numeral and count nothing: 三轮车, 三国演义, 二人转
_WORD_FOLLOWS, _LONGEST_WORD = "轮国台里金头人", 4
_COUNT_AFTER_ALL = re.compile("..(?:集团|首脑|[份组间制一])")
_DOTTED_DATE = re.compile(r"(?<![\d.])((?:19|20)\d\d)\.[01]?\d\.[0-3]?\d(?![\d.])")  # else a version
_YEARLY = re.compile(r"\s?年度?\s?(最[\u3400-\u9fff])")  # 2018 年度最佳
_MANY, _LONG_WAYS = "百千万亿", "年里"
_SOME_DIGIT = re.compile("[一二两三四五六七八九零]")

# a number that is not complete by its form
_INCOMPLETE = re.compile(
    r"分之(?![0-9零一二两三四五六七八九十百])"  # 百分之
    r"|分之[零一二两三四五六七八九十百]+点(?![零一二三四五六七八九])"  # 百分之六点
    r"|[0-9]\.$"  # 6.
    r"|(?<![0-9零一二两三四五六七八九十百])[%‰]"
    r"|第$"
)
_CHANGE = re.compile(
    r"(?:提高|提升|增加|增长|上升|攀升|下降|降低|减少|回落|扩大|缩小|上涨|下跌|[升降增涨跌减])(?:了|到|至|近|超)?$"
)
_ADVERBS = re.compile(
    r"(?:同比|环比|已经?|将|累计|分别|预计|平均|年均|也|又|再次?|均|可|则|均已|比上年|实现|由此|由|从)*$"
)
# a time and a place, of which nothing is said: 青禾县3月 (提高至90%)
_NO_SUBJECT = re.compile(
    r"(?:[上下]半年|全年|年内|[今去前明]年|本[年月季]|前?[0-9一二三四]个?季度|[0-9一二三四五六七八九十]+[年月日]份?"
    r"|[\u3400-\u9fff]{2,6}[省市县区州镇乡]|我国|全国)+$"
)
_CLAUSE = re.compile(r"[，。；：、！？,;:!?\s]")


class Figures:
    """The numbers of an article, against which those of titles are held.

    Args:
        article: The text.
    """

    def __init__(self, article: str) -> None:
        self._article = plain_digits(article)
        self._stated = numbers(article)
        self._known = {number.key for number in self._stated}
        self._known |= {(Fraction(year), "") for year in _DOTTED_DATE.findall(self._article)}
        self._known |= {(Fraction(int(a), int(b)), "") for a, b in _FRACTION.findall(self._article)}

    def wrong(self, title: str) -> bool:
        """Tell whether a number expression of a title is cut, or not what the article states.

        A rounded number (超 70万), a count of what is listed (5 款插件) and the year of a choice
        (2018 年最佳) may be new.
        """
        title = plain_digits(title)
        return (
            bool(_INCOMPLETE.search(title))
            or unknown_code(title, self._article)
            or any(
                (
                    not self._states(number, title)
                    and not self._rounds(number, title)
                    and not self._counts_a_list(number, title)
                    and not self._dates_a_choice(number, title)
                )
                or self._lacks_its_subject(number, title)
                for number in meant(title)
            )
            or self._pairs_wrongly(title)
        )

    def new(self, title: str) -> bool:
        """Tell whether a title has a number that the article does not state as it is."""
        title = plain_digits(title)
        return any(not self._states(number, title) for number in meant(title))

    def _states(self, number: Number, title: str) -> bool:
        if _EVENING.search(title[: number.start]) and self._is_afternoon(number, title):
            return True
        if any(
            found.start() <= number.start < found.end()
            and (Fraction(int(found[1]), int(found[2])), "") in self._known
            for found in _FRACTION.finditer(title)
        ):
            return True
        if _MONEY.match(title, number.end) and all(
            _NO_MONEY.match(self._article, other.end) for other in self._stated if other.key == number.key
        ):
            return False
        if _COUNTS.match(title, number.end) and not title[: number.start].endswith("第"):
            return number.key in self._counting
        units = _DATES.get(title[number.end : number.end + 1])
        if units is None or number.key not in self._known:
            return number.key in self._known
        return any(
            other.key == number.key and self._behind(other)[:1] in (*units, *_SHARING)
            for other in self._stated
        )

    @cached_property
    def _counting(self) -> set[tuple[object, object]]:
        """The numbers that may count something."""
        others = {place for found in _NO_COUNT.finditer(self._article) for place in range(*found.span())}
        return {
            number.key
            for number in self._stated
            if number.start not in others and not _may_be_a_name(number, self._article)
        }

    def _is_afternoon(self, number: Number, title: str) -> bool:
        """Whether the article has this hour in a count to 24."""
        if isinstance(number.value, str) or number.value > 12 or not _HOURS.match(title, number.end):
            return False
        hour = (number.value + 12, "")
        return any(other.key == hour and _HOURS.match(self._article, other.end) for other in self._stated)

    def _pairs_wrongly(self, title: str) -> bool:
        """Whether a ratio, a score or a range is not one of the article's."""
        found = numbers(title)
        return any(
            (one.key, other.key) not in self._pairs
            for one, other in ((found[a], found[b]) for a, b in ratios(title, found))
            if _is_meant(one, title) and _is_meant(other, title)
        )

    def _rounds(self, number: Number, title: str) -> bool:
        """Whether the number is a rounded one of the article: 超 70万 for 702,642."""
        return any(may_stand_for(number, title, other, self._article) for other in self._stated)

    def _counts_a_list(self, number: Number, title: str) -> bool:
        """Whether the number counts what the article lists without a count of its own: 5 款插件."""
        value, behind = number.value, title[number.end :].lstrip()
        if isinstance(value, str) or number.kind or value.denominator != 1:
            return False
        if any(self._behind(other).startswith(behind[:2]) for other in self._stated):
            return False
        return self._listing.allows(int(value), behind)

    def _dates_a_choice(self, number: Number, title: str) -> bool:
        """Whether the number is the year of a choice that the article makes without one: 2018 年度最佳笔记本.

        Any other year must be stated: 今年 does not say which one it is.
        """
        found = _YEARLY.match(title, number.end)
        named = (other for other in self._stated if self._behind(other).startswith("年"))
        return (
            _is_year(number)
            and found is not None
            and found[1] in self._article
            and not any(map(_is_year, named))
        )

    def _lacks_its_subject(self, number: Number, title: str) -> bool:
        """Whether something rises or falls by a percentage, and what it is was left out.

        A time or a place alone is none; GDP is one, however the article calls it.
        """
        what = _what_changes(title, number.start)
        if not number.kind or what is None or _NO_SUBJECT.sub("", what):
            return False
        places = [other for other in self._stated if other.key == number.key]
        subjects = [_what_changes(self._article, other.start) for other in places]
        return bool(places) and all(subject and _NO_SUBJECT.sub("", subject) for subject in subjects)

    def _behind(self, number: Number) -> str:
        return self._article[number.end : number.end + 8].lstrip()

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self._article)

    @cached_property
    def _pairs(self) -> set[tuple[object, object]]:
        return {(self._stated[a].key, self._stated[b].key) for a, b in ratios(self._article, self._stated)}


def meant(title: str) -> list[Number]:
    """The number expressions of a text with plain digits that are meant as numbers."""
    return [number for number in numbers(title) if _is_meant(number, title)]


def _is_meant(number: Number, title: str) -> bool:
    """Whether a number expression is meant as a number; 一个, 百姓, 百年, 万一, 统一 are not."""
    written = title[number.start : number.end]
    if number.arabic or number.kind or "分之" in written or "点" in written:
        return True
    if title[: number.start].endswith("第"):
        return written != "一"
    if _is_a_name(number, title):
        return False
    if len(written) > 1 and _SOME_DIGIT.search(written):
        return written[0] not in "百千万亿"
    behind = title[number.end : number.end + 2].lstrip("余多几来")[:1]  # 十几家
    many = written in _MANY and behind in _LONG_WAYS  # 百年, 千里
    return written != "一" and not many and bool(behind) and behind in _MEASURES


def _is_a_name(number: Number, title: str) -> bool:
    """Whether a numeral is one of a word that counts nothing: 五一, 两国, 三轮车."""
    written, behind = title[number.start : number.end], title[number.end : number.end + 1]
    if written in _DAYS:
        return not behind or behind not in _MEASURES
    if len(written) > 1 or not behind or behind not in _WORD_FOLLOWS:
        return bool(_COUNTRIES.match(title, number.start))
    ends = range(number.end + 2, number.end + _LONGEST_WORD)
    return bool(_COUNTRIES.match(title, number.start)) or (
        any(is_word(title[number.start : end]) for end in ends)
        and not _COUNT_AFTER_ALL.match(title, number.start)
    )


def _may_be_a_name(number: Number, article: str) -> bool:
    """Whether a single numeral stands before no measure, as in 王五."""
    behind = article[number.end : number.end + 2].lstrip("余多来几")[:1]
    sure = number.arabic or number.kind or number.end - number.start > 1 or article[number.start] == "两"
    return not sure and (not behind or behind not in _MEASURES + "、至到死伤亡")


def _is_year(number: Number) -> bool:
    return not isinstance(number.value, str) and not number.kind and 1900 <= number.value <= 2100


def _what_changes(text: str, end: int) -> str | None:
    """The subject of a change whose number begins at `end`; None without a change in that clause."""
    clause = _CLAUSE.split(text[max(0, end - 40) : end].rstrip())[-1]
    found = _CHANGE.search(clause)
    return None if found is None else _ADVERBS.sub("", clause[: found.start()], count=1)
