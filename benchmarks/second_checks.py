"""Checks titles by a second hand: rules written without knowledge of the package's own checks.

``python benchmarks/second_checks.py RECORDS.jsonl ARTICLES.jsonl`` checks the first candidate of
each record; with ``ARTICLES.jsonl`` alone it checks the titles that people gave. It prints every
title that fails with the names of the checks, then the share of titles that fail.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from textgen.text.words import is_word, words

DIGITS = dict(zip("零一二三四五六七八九〇两", (*range(10), 0, 2), strict=True))
SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
LISTED = frozenset("个种款条项大点招步篇部省市县国家")  # what a person counts who writes over a list
UNITS = LISTED | frozenset("年月日号时分秒天周岁人名位次所例只头辆架艘台届度米元吨亩户层倍成比小钟份")
DATES = frozenset("年月日时分")
PAIRS = dict(zip("“‘「『《〈([【{", "”’」』》〉)]】}", strict=True))
OPEN_ENDS = frozenset("的地得之和与及或并且而但在对把被将向从为于至由以让使给因第所其该各每某很更最")
OPEN_ENDS |= {"以及", "对于", "关于", "由于", "至于", "因为", "为了", "如果"}
WHOLE_WITH_DE = re.compile("是|如何|怎么|怎样|为什么|为何|谁|什么|最")  # such a title may end on 的
HEDGE = re.compile("[近约超逾破过余多]")
CHANGE = re.compile(
    "(?:同比|环比|将|再|已|达到?|约|超过?|逾|近|[至到了为]|提[高升]|增[长加至]|[上下][升涨降跌]|降[低至]|升至|减少|突破)+"
)
_RUN = "零〇一二两三四五六七八九十百千万亿"
_SIDE = rf"(\d+(?!\.?\d)|[{_RUN[:-4]}]+)"
_SCORE = re.compile(rf"(?<![\d.]){_SIDE}\s*([比:∶-])\s*{_SIDE}")
_NUMBER = re.compile(
    rf"(?P<share>[百千]分之)?(?:(?P<arabic>\d+(?:\.\d+)*)\s*(?P<scale>[十百千万亿]*)(?:(?<=[万亿])(?P<rest>\d+)万)?"
    rf"|(?P<run>[{_RUN}]+(?:点[零〇一二三四五六七八九]+[百千万亿]*)?))\s*(?P<sign>[%‰成])?"
)
_DANGLING = re.compile(
    rf"[百千]分之(?![\d{_RUN}几])|[百千]分之[{_RUN}\d]+点(?![{_RUN}\d])|\d\.(?!\d)|[\d{_RUN}]比$|\d[-~至]$"
)
_LATIN = re.compile(r"[A-Za-z]+\d*")


class Number(NamedTuple):
    """A number expression: its value, whether it is a share, where it stands, and the character after it."""

    value: str
    share: bool
    start: int
    end: int
    unit: str


@lru_cache(maxsize=8)
def plain(text: str) -> str:
    """Writes full-width characters as half-width ones, and numbers without separators of thousands."""
    text = "".join(c if c == "…" else unicodedata.normalize("NFKC", c) for c in text)
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)


def scaled(value: Decimal, scale: str) -> Decimal:
    """Multiplies a value by the scale characters behind it, such as 万 or 万亿."""
    for c in scale:
        value *= SCALES[c]
    return value


def chinese_value(run: str) -> Decimal:
    """Reads a Chinese number such as 六点二, 二〇二四, 三千五百 or 一百二十万."""
    whole, _, rest = run.partition("点")
    total = section = digit = Decimal(0)
    for c in whole:
        if c in DIGITS:
            digit = Decimal(DIGITS[c]) + (0 if set(whole) & set(SCALES) else 10 * digit)
        elif SCALES[c] < 10**4:
            section, digit = section + (digit or 1) * SCALES[c], Decimal(0)
        else:
            total, section, digit = (
                (total + section + digit or Decimal(1)) * SCALES[c],
                Decimal(0),
                Decimal(0),
            )
    fraction = "".join(str(DIGITS[c]) for c in rest if c in DIGITS)
    return scaled(total + section + digit + Decimal(f"0.{fraction or 0}"), rest.lstrip("".join(DIGITS)))


def numbers(text: str) -> Iterator[Number]:
    """Finds the number expressions of a text in plain form; versions such as 4.3.4 keep their dots."""
    for found in _NUMBER.finditer(text):
        arabic, sign = found["arabic"], found["sign"]
        value = arabic
        if not arabic or arabic.count(".") < 2:
            read = scaled(Decimal(arabic), found["scale"]) if arabic else chinese_value(found["run"])
            read += 10**4 * int(found["rest"] or 0)
            value = format((read * 10 if sign == "成" else read).normalize(), "f")
        unit = text[found.end() : found.end() + 3].lstrip()[:1]
        yield Number(value, bool(found["share"] or sign), found.start(), found.end(), unit)


def is_number(number: Number, title: str) -> bool:
    """Tells number expressions from the numerals of idioms and names (统一, 一个, 两会, 百姓)."""
    run = title[number.start : number.end].strip()
    if run[0].isdecimal():
        return not re.search("[A-Za-z]$", title[: number.start])
    if number.share or "点" in run:
        return True
    if not set(run) & set(DIGITS) or (len(run) == 2 and not set(run) & set(SCALES)):
        return False  # 百姓, 千万; 三五
    if len(run) == 1 and (run in "一两二" or number.unit not in UNITS):
        return False
    at = 0
    for word in words(title):
        if at < number.end and number.start < at + len(word) and not set(word) <= set(_RUN) | UNITS:
            return False
        at += len(word)
    return True


def rounded(number: Number, around: str, exact: set[tuple[str, bool]]) -> bool:
    """Tells whether a value of the article, rounded as the words around say (近, 超), is the number."""
    if number.value.count(".") > 1 or not HEDGE.search(around):
        return False
    ways = [ROUND_CEILING] * bool(re.search("[近约]", around)) + [ROUND_FLOOR] * ("近" not in around)
    value = Decimal(number.value)
    step = Decimal(1).scaleb(int(value.normalize().as_tuple().exponent))
    near = [Decimal(v) / step for v, share in exact if share == number.share and v.count(".") < 2]
    return any(v.to_integral_value(way) * step == value for v in near for way in ways)


def scores(text: str) -> dict[frozenset[str], str]:
    """Finds the scores of a text (3比2, 3:2), whichever side is named first, with the mark between."""
    return {frozenset(n.value for n in numbers(f"{a} {b}")): mark for a, mark, b in _SCORE.findall(text)}


def number_fault(title: str, article: str) -> bool:
    """Finds a number expression of the title that is not whole in the article."""
    here, told = scores(title), scores(article)
    if _DANGLING.search(title) or any(mark != "-" and pair not in told for pair, mark in here.items()):
        return True
    there = list(numbers(article))
    exact = {(n.value, n.share) for n in there}
    for n in numbers(title):
        if not is_number(n, title):
            continue
        rivals = any(n.unit in UNITS and other.unit == n.unit and other.value != "1" for other in there)
        if (n.value, n.share) in exact:
            units = [other.unit for other in there if (other.value, other.share) == (n.value, n.share)]
            if rivals and n.unit not in DATES | LISTED and all(unit in DATES | {"比", ":"} for unit in units):
                return True  # 6人, where the article has 16人 and a 6日
            continue
        around = title[max(0, n.start - 2) : n.start] + title[n.end : n.end + 1]
        if rounded(n, around, exact):
            continue
        if any(v.startswith(n.value + ".") for v, _ in exact) and title[n.start].isdecimal():
            return True
        if not n.value.isdecimal() or int(n.value) > 30 or n.share or n.unit in DATES:
            return True
        if rivals and n.unit not in LISTED:  # else the title may count what the article lists
            return True
    return False


def only_a_change(title: str) -> bool:
    """Tells whether a title is a change and a number (提高至90%) without what changes."""
    start = CHANGE.match(title)
    number = _NUMBER.match(title, start.end()) if start else None
    return number is not None and len(re.findall(r"\w", title[number.end() :])) <= 3


def unpaired(title: str) -> bool:
    """Finds a mark that opens without closing, closes without opening, or closes another."""
    waiting: list[str] = []
    for c in re.sub(r"(?<=[A-Za-z])’(?=[A-Za-z])", "", title):
        if c in PAIRS:
            waiting.append(PAIRS[c])
        elif c in PAIRS.values() and (not waiting or waiting.pop() != c):
            return True
    return bool(waiting) or title.count('"') % 2 == 1


def repeats(title: str, article: str) -> bool:
    """Finds a span twice at once, a stuttered character or mark, or a span of five characters twice."""
    if re.search("的的|了了|是是|和和|在在|与与|对对|为为|将将|被被|[,、:;]{2}", title):
        return True
    for found in re.finditer(r"(?=((\w\w+?)[ ,、]?\2))", title):
        if found[1] not in article and not found[2].isdecimal():
            return True
    for whole, span, between in re.findall(r"(?=(([^\W\d]{2})([^\W\d]{1,2})\2))", title):
        if whole not in article and set(span) & set(between):  # 流域江域流域
            return True
    for before, pair, c, after in re.findall(r"(?=(.)(([^\W\d])\3)(.))", title):
        doubled = pair in article or any(pair in word and is_word(word) for word in words(title))
        if not doubled and before + c + after in article:
            return True
    outside = re.sub("《.*?》", "", title)
    return any(found[1] not in article for found in re.finditer(r"(?=(([\u4e00-\u9fff]{5,}).*?\2))", outside))


def latin_cut(title: str, article: str) -> bool:
    """Finds a Latin word that the article has only as a part of longer ones."""
    there = {word.lower() for word in _LATIN.findall(article)}
    joined = re.sub(r"(?<=\w) (?=\w)", "", title)  # Apple Pay may be ApplePay
    for word in {word.lower() for word in _LATIN.findall(title)} - there:
        longer = {t for t in there if t.startswith(word) or t.endswith(word)} - {word + "s", word + "es"}
        if longer and not any(word in t.lower() and t.lower() in longer for t in _LATIN.findall(joined)):
            return True
    return False


def open_end(title: str) -> bool:
    """Finds an end on a particle, a preposition or a mark after which more has to come."""
    last = (words(title) or [""])[-1]
    if last == "的":
        return not WHOLE_WITH_DE.search(title)
    return title[-1:] in set(",、:;-~·—(“‘《/&+") or (last in OPEN_ENDS and not is_word(title[-2:]))


def inside_a_word(title: str, article: str) -> bool:
    """Finds an end that the article has only inside words."""
    last = (words(title) or [""])[-1]
    tail = next((title[-n:] for n in range(min(len(title), 12), 1, -1) if title[-n:] in article), "")
    if not tail or not re.fullmatch(r"[\u4e00-\u9fff]+", last) or title[: -len(last)][-1:].isdecimal():
        return False
    inside: dict[int, str] = {}
    at = 0
    for word in words(article):
        inside |= dict.fromkeys(range(at + 1, at + len(word)), word)
        at += len(word)
    ends = [found.start() + len(tail) for found in re.finditer(f"(?={re.escape(tail)})", article)]
    if not all(end in inside for end in ends):
        return False
    # 发布 of 新闻发布会 is a word too: only the words before it show that the whole one is meant
    return not is_word(last) or len(last) < 2 or (len(tail) > len(last) + 1 and is_word(inside[ends[0]]))


def failed(title: str, article: str) -> tuple[str, ...]:
    """Checks a title as an editor would.

    Args:
        title: The title.
        article: The article that it stands over.

    Returns:
        The names of the checks that the title fails; none where it is sound.
    """
    title, article = plain(title.strip()), plain(article)
    faults = {
        "short": len(re.findall(r"\w", title)) <= 2,
        "number": number_fault(title, article),
        "no_subject": only_a_change(title),
        "mark": unpaired(title),
        "repetition": repeats(title, article),
        "latin": latin_cut(title, article),
        "open_end": open_end(title),
        "word_end": inside_a_word(title, article),
    }
    return tuple(name for name, fault in faults.items() if fault)


def main(paths: list[str]) -> None:
    """Checks the titles of the files named and prints what it found."""
    rows = [[json.loads(line) for line in Path(p).read_text("utf-8").splitlines() if line] for p in paths]
    articles = {row["id"]: row for row in rows[-1]}
    titles = {key: row.get("title", "") for key, row in articles.items()}
    if len(rows) == 2:
        titles = {row["id"]: row["candidates"][0]["text"] for row in rows[0] if row.get("candidates")}
    flagged = {key: names for key, title in titles.items() if (names := failed(title, articles[key]["text"]))}
    for key, names in flagged.items():
        print(f"{key}\t{','.join(names)}\t{titles[key]}")
    print(f"{len(flagged)} of {len(titles)} titles flagged: {len(flagged) / max(1, len(titles)):.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
