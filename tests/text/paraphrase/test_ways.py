"""All texts one paraphrase away: exchanged words, other forms of a sentence, and the way back from each."""

from __future__ import annotations

import pytest

from textgen.text.paraphrase.lexicon import Lexicon
from textgen.text.paraphrase.locked_text import Lock, LockedText
from textgen.text.paraphrase.times import TIME
from textgen.text.paraphrase.ways import ways

WORDS = """
# comment
立即 马上 立刻
来自 来自于
购买 买
常常 经常 常
公路 马路
提高 改善
提高 增强
不知道 不清楚
在会上 会上
因有 由于有
"""
PATTERNS = """
# 例：因为下雨，所以比赛取消了。 -> 比赛取消了，因为下雨。
^因为{X:b}，所以{Y:c}$ = ^{Y:c}，因为{X:b}$
^{t:t}，{s:n}{V:vp}$ = ^{s:n}{t:t}{V:vp}$
@verbs = 检查 修改
对{o:n}进行了{v:verbs} = {v:verbs}了{o:n}
^请{s:n}{t:t}{p:w}$ = ^{t:t}请{s:n}{p:w}$
"""
LEXICON = Lexicon.of(WORDS, PATTERNS)


def locked(marked: str) -> LockedText:
    """A text whose locked parts stand in brackets."""
    string, locks = "", []
    for part in marked.replace("]", "[").split("["):
        locks.append(len(string))
        string += part
    locks.append(len(string))
    edges = zip(locks[1::2], locks[2::2], strict=False)
    return LockedText(string, tuple(Lock(start, stop, n) for n, (start, stop) in enumerate(edges, 1)))


def marked(text: LockedText) -> str:
    """The reverse, without the numbers of the locks."""
    found, at = "", 0
    for lock in text.locks:
        found += f"{text.string[at : lock.start]}[{text.string[lock.start : lock.stop]}]"
        at = lock.stop
    return found + text.string[at:]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("请马上回家。", ["请立即回家。", "请立刻回家。"]),
        ("请[马上]回家。", []),
        # locked parts inside a word, which every word of its group must have once
        ("他[不]知道。", ["他[不]清楚。"]),
        ("他[不知]道。", []),
        ("他知[道]路。", []),
        ("请马[上回]家。", []),
        ("[请]马上[回家]。", ["[请]立即[回家]。", "[请]立刻[回家]。"]),
        # 马上 inside another word, and where borders of words would be other ones
        ("他骑在马上面。", []),
        ("高速公路很宽。", []),
        # one inside the other is never doubled
        ("他来自北京。", ["他来自于北京。"]),
        ("他来自于北京。", ["他来自北京。"]),
        ("他经常游泳。", ["他常常游泳。", "他常游泳。"]),
        # no preposition behind 的 or another one
        ("会上他发言。", ["在会上他发言。"]),
        ("昨天的会上他发言。", []),
        # nor 由于 in the last clause
        ("比赛取消了，因有大雨。", []),
        ("我说，因有大雨，比赛取消了。", ["我说，由于有大雨，比赛取消了。"]),
        # a year is a time, some years are none
        ("2024年，我们来过。", ["我们2024年来过。"]),
        ("两年，我们来过。", []),
        # in two groups
        ("我们要提高水平。", ["我们要改善水平。", "我们要增强水平。"]),
        # two places
        ("我马上买它。", ["我立即买它。", "我立刻买它。", "我马上购买它。"]),
        # forms of sentences, with their locks
        ("因为[下雨]，所以比赛取消了。", ["比赛取消了，因为[下雨]。"]),
        # locked words of a form, which the other form must have, too
        ("[因为]下雨，所以比赛取消了。", ["比赛取消了，[因为]下雨。"]),
        ("因为下雨，[所以]比赛取消了。", []),
        ("[请]大家[昨天]检查。", ["[昨天][请]大家检查。"]),
        ("比赛[取消]了，因为[大雨]。好。", ["因为[大雨]，所以比赛[取消]了。好。"]),
        # a clause that refers to the other one stays behind it
        ("因为他病了，所以比赛取消了。", []),
        ("因为他病了，所以他没来。", ["他没来，因为他病了。"]),
        ("[昨天]，[我们]参观了[图书馆]。", ["[我们][昨天]参观了[图书馆]。"]),
        # all of a time
        ("昨天下午三点，我们参观了图书馆。", ["我们昨天下午三点参观了图书馆。"]),
        ("昨天下午三点我们参观了图书馆。", []),
        ("你好！昨天，我们参观了图书馆！", ["你好！我们昨天参观了图书馆！"]),
        ("他们对[设备]进行了检查。", ["他们检查了[设备]。"]),
        ("他们修改了计划。", ["他们对计划进行了修改。"]),
        ("他们对计划进行了讨论。", []),
        ("", []),
        ("Hello, world.", []),
    ],
)
def test_ways_and_their_ways_back(text: str, wanted: list[str]) -> None:
    source = locked(text)
    assert marked(source) == text
    found = ways(source, LEXICON)
    assert [marked(way) for way in found] == wanted
    labels = {lock.label: source.string[lock.start : lock.stop] for lock in source.locks}
    for way in found:
        assert {lock.label: way.string[lock.start : lock.stop] for lock in way.locks} == labels
        assert [lock.start for lock in way.locks] == sorted(lock.start for lock in way.locks)
        assert source in ways(way, LEXICON)
    assert found == ways(source, LEXICON)


OF_CLAUSES = Lexicon.of(
    "",
    """
    |{s:n}{t:tp}{P:pd}| = |{t:tp}{s:n}{P:pd}|
    ^{a:o}把{b:o}{R:bp}，{Y:ow}$ = ^{b:o}被{a:o}{R:bp}，{Y:ow}$
    |请{s:rn}{t:tp}{P:pd}| = |{s:rn}请{t:tp}{P:pd}|
    {v:v}{a:n1}和{b:n1}| = {v:v}{b:n1}和{a:n1}|
    |{a:n}高{m:am}| = |{a:n}的高度为{m:am}|
    """,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # a clause, behind a comma or a connective, too
        ("饭好了，我们[昨晚]都吃了。", ["饭好了，[昨晚]我们都吃了。"]),
        ("雨很大，所以我们昨晚没去。", ["雨很大，所以昨晚我们没去。"]),
        ("他知道我们昨晚没去。", []),
        # all of a time
        ("学校[每周六晚上]开放。", ["[每周六晚上]学校开放。"]),
        ("学校自2026年3月1日起开放。", ["自2026年3月1日起学校开放。"]),
        # what follows has a subject of its own
        ("大风把小船吹到了湖中心，幸好大家都会游泳。", ["小船被大风吹到了湖中心，幸好大家都会游泳。"]),
        ("大风把小船吹到了湖中心，又停了。", []),
        # who is described
        ("请报名的同学明天来学校。", ["报名的同学请明天来学校。"]),
        ("请写下电话和姓名。", ["请写下姓名和电话。"] * 2),
        ("铁塔高80米。", ["铁塔的高度为80米。"]),
    ],
)
def test_forms_of_clauses_and_their_ways_back(text: str, wanted: list[str]) -> None:
    found = ways(locked(text), OF_CLAUSES)
    assert [marked(way) for way in found] == wanted
    assert all(locked(text) in ways(way, OF_CLAUSES) for way in found)


def test_a_way_counts_as_often_as_it_is_there() -> None:
    twice = Lexicon.of("立即 马上\n马上 立即 立刻")
    assert [way.string for way in ways(LockedText("马上走"), twice)] == ["立即走", "立即走", "立刻走"]


def test_what_is_behind_le_does_not_get_a_second_one() -> None:
    lexicon = Lexicon.of("", "@up = 降低\n^{s:n}{v:up}了{m}$ = ^{s:n}{v:up}{m}$")
    assert [way.string for way in ways(LockedText("噪音降低了一半"), lexicon)] == ["噪音降低一半"]
    assert [way.string for way in ways(LockedText("噪音降低一半"), lexicon)] == ["噪音降低了一半"]


@pytest.mark.parametrize(
    ("text", "is_time"), [("三号", False), ("十月三号", True), ("三日", True), ("下周二", True)]
)
def test_a_number_of_windows_is_no_day(text: str, *, is_time: bool) -> None:
    assert bool(TIME.fullmatch(text)) is is_time


def test_a_sentence_of_any_length_takes_bounded_time() -> None:
    text = LockedText("的".join(["好书"] * 400) + "，" + "因为好" * 200)
    assert len(ways(text, LEXICON)) < 2000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{x}很好", "no ="),
        ("{x}很好 = 好", "different slots"),
        ("{x:n}很好 = 好{x}", "different slots"),
        ("^{x}很好 = {x}好", "different ends"),
        ("{x}很{x} = 好{x}", "twice"),
        ("{x:unknown}很 = 好{x:unknown}", "no kind of slot"),
        ("{x很 = {x}", "brace"),
        ("^$ = ^$", "nothing"),
    ],
)
def test_a_line_that_is_no_pattern_is_refused(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Lexicon.of("", line)
