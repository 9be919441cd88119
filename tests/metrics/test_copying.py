"""What a title has from its article, and where it stands there."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.metrics import copying
from textgen.metrics.copying import Span, copied_share, support

MIXED = st.text("天地人a1.。 ", max_size=14)


def found(text: str, source: str) -> list[str]:
    spans = support(text, source)
    assert all(text[s.start : s.end] == source[s.source_start : s.source_end] for s in spans)
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "source", "share"),
    [
        ("天地人", "人天", 2 / 3),
        ("天 地\n", "天地", 1.0),
        ("天天", "地", 0.0),
        ("", "天", 0.0),
        (" \u3000", " ", 0.0),
        ("天", "", 0.0),
    ],
)
def test_share(text: str, source: str, share: float) -> None:
    assert copied_share(text, source) == pytest.approx(share)


def test_offsets() -> None:
    assert support("县城秋粮丰收", "全县的秋粮丰收，县城在庆祝秋粮丰收") == [
        Span(0, 2, 8, 10),
        Span(2, 6, 3, 7),
    ]


def test_the_longest_run_goes_first() -> None:
    assert found("甲乙丙丁", "甲乙丙，乙丙丁，丙丁") == ["甲乙丙"]  # of two that are equal the first
    assert found("甲乙丙丁戊", "甲乙丙，丙丁戊己，乙丙丁戊") == ["乙丙丁戊"]
    assert found("甲乙丙丁戊己", "甲乙丙，乙丙丁戊，丁戊己") == ["乙丙丁戊"]
    assert found("甲乙丙丁戊己", "甲乙丙丁，丙丁戊己庚，丁戊己") == ["甲乙丙丁", "戊己"]
    assert found("甲乙丙丁戊己庚", "甲乙丙，丙丁戊己庚") == ["甲乙", "丙丁戊己庚"]  # what remains of a run
    assert found("甲乙丙丁戊己庚", "甲乙丙，乙丙丁戊，丁戊己庚") == ["乙丙丁戊", "己庚"]


def test_one_character_supports_nothing() -> None:
    assert found("天地人", "天，地，人") == []
    assert found("", "天地") == found("天地", "") == []


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("2024年大会", "12024年", []),
        ("2024年大会", "2024年", ["2024年"]),
        ("涨3.5倍", "涨3.56倍", []),
        ("涨3.5倍", "上涨3.5倍", ["涨3.5倍"]),
        ("共1,234人", "共1,234,567人", []),
        ("第12，13名", "第12，130名", ["第12，"]),
        ("用Go写", "用Google写", []),
        ("AI助手", "新的AI助手", ["AI助手"]),
        ("AI", "AI", ["AI"]),
        ("用C写", "用C语言", ["用C"]),
        ("Москва很冷", "去Москва", ["Москва"]),
        ("Ｖ３版", "ＡＶ３版", []),
        ("v3.0发布", "v3.0.1发布", ["发布"]),
    ],
)
def test_words_and_numbers_are_not_cut(text: str, source: str, expected: list[str]) -> None:
    assert found(text, source) == expected


def test_characters_that_stand_for_words_inside_are_text_like_any() -> None:
    assert found("\U000f0001天AI", "\U000f0000天，AI\U000f0001天") == ["\U000f0001天", "AI"]
    assert found("\U000f0000地", "新词地") == []
    assert found("AI天", "\U000f0001天") == []


@given(MIXED, MIXED)
def test_runs_are_whole_disjoint_and_in_order(text: str, source: str) -> None:
    spans = support(text, source)
    found(text, source)
    for one, other in pairwise(spans):
        assert one.end <= other.start
    for span in spans:
        assert span.end - span.start >= 2
        for place, whole in ((span.start, text), (span.end, text)):
            assert not inside_word(whole, place)
        for place in (span.source_start, span.source_end):
            assert not inside_word(source, place)


@settings(max_examples=300)
@given(st.one_of(MIXED, st.text("天地人", max_size=14)), st.one_of(MIXED, st.text("天地人", max_size=14)))
def test_nothing_that_is_left_could_be_added(text: str, source: str) -> None:
    spans = support(text, source)
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(text)]
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        for start in range(left, right):
            for end in range(start + 2, right + 1):
                assert not stands(text, start, end, source)
    longest = max((s.end - s.start for s in spans), default=0)
    runs = [
        b - a for a in range(len(text)) for b in range(a + 2, len(text) + 1) if stands(text, a, b, source)
    ]
    assert longest == max(runs, default=0)


def stands(text: str, start: int, end: int, source: str) -> bool:
    """By trying all places."""
    if inside_word(text, start) or inside_word(text, end):
        return False
    size = end - start
    return any(
        source[at : at + size] == text[start:end]
        and not inside_word(source, at)
        and not inside_word(source, at + size)
        for at in range(len(source) - size + 1)
    )


def inside_word(text: str, place: int) -> bool:
    words = re.finditer(r"(?:[0-9]+(?:\.[0-9]+)+|[0-9a-z])+", text)
    return any(word.start() < place < word.end() for word in words)


# as the article's words were told apart before: in quadratic time on a long run of digits
SLOW_WORD = re.compile(rf"(?:[0-9]+(?:[.,][0-9]+)+|[{copying._CASED}])+|[\U000f0000-\U0010ffff]")


@given(st.text("1１a.,天\U000f0001", max_size=12))
def test_words_are_told_apart_by_what_stands_beside_a_separator(text: str) -> None:
    assert copying._WORD.findall(text) == SLOW_WORD.findall(text)


@pytest.mark.parametrize("unit", ["9", "9,", "9.9", "a9", "天9。"])
def test_long_runs_take_linear_time(unit: str) -> None:
    """In quadratic time half a million digits would take an hour."""
    source = unit * (500_000 // len(unit)) + "县城"
    assert found("县城", source) == ["县城"]
