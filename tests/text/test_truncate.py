"""What is fed in of a long article."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.text.segment import sentences
from textgen.text.truncate import Truncated, truncate

WAYS = ["head", "head-tail", "lead", "chunk"]
ARTICLE = "甲一。甲二二。甲三。\n乙一一！乙二。\n\n丙一？丙二二二。"
PIECES = ["甲一。", "甲二二。", "甲三。\n", "乙一一！", "乙二。\n\n", "丙一？", "丙二二二。"]
ENDLESS = "".join(chr(0x4E00 + n) for n in range(50))


def encode(text: str) -> list[int]:
    return [ord(character) for character in text]


def decode(ids: list[int]) -> str:
    return "".join(map(chr, ids))


def truncated(text: str, limit: int, how: str) -> Truncated:
    found = truncate(text, encode, limit, how)
    assert all(0 < len(view) <= limit for view in found.views)
    assert len(found.judge) <= limit
    assert found.tokens == len(text)
    return found


def views(text: str, limit: int, how: str) -> list[str]:
    return [decode(view) for view in truncated(text, limit, how).views]


def test_the_article_is_what_these_tests_think() -> None:
    assert sentences(ARTICLE) == PIECES
    assert len(ARTICLE) == 28


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("limit", [len(ARTICLE), len(ARTICLE) + 1, 1000])
def test_a_short_text_is_left_alone(how: str, limit: int) -> None:
    ids = encode(ARTICLE)
    assert truncated(ARTICLE, limit, how) == Truncated([ids], ids, len(ids), len(ids))


@pytest.mark.parametrize("how", WAYS)
def test_one_id_too_many_is_cut(how: str) -> None:
    found = truncated(ARTICLE, len(ARTICLE) - 1, how)
    assert found.views != [encode(ARTICLE)]


@pytest.mark.parametrize("limit", [1, 2, 7, 27])
def test_head(limit: int) -> None:
    found = truncated(ARTICLE, limit, "head")
    assert found == Truncated([encode(ARTICLE[:limit])], encode(ARTICLE[:limit]), 28, limit)


@pytest.mark.parametrize(
    ("limit", "head", "tail"),
    [(1, 0, 1), (2, 1, 1), (3, 2, 1), (4, 3, 1), (8, 6, 2), (10, 7, 3), (27, 20, 7)],
)
def test_head_tail(limit: int, head: int, tail: int) -> None:
    view = ARTICLE[:head] + ARTICLE[-tail:]
    assert truncated(ARTICLE, limit, "head-tail") == Truncated([encode(view)], encode(view), 28, limit)


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (27, [0, 1, 2, 3, 4, 5]),  # the last sentence has five characters: no room
        (23, [0, 1, 2, 3, 4, 5]),
        (21, [0, 1, 2, 3, 5]),
        (18, [0, 1, 2, 3, 5]),
        (17, [0, 1, 3, 5]),
        (14, [0, 1, 3, 5]),
        (13, [0, 3, 5]),  # 3 ids left, and no sentence that short
        (10, [0, 3, 5]),
        (9, [0, 3]),
        (6, [0, 5]),  # the second paragraph's first sentence does not fit, the third's does
        (5, [0]),
        (3, [0]),
    ],
)
def test_lead(limit: int, kept: list[int]) -> None:
    """First the first sentences, then the others from the start, told in the article's order."""
    view = "".join(PIECES[n] for n in kept)
    found = truncated(ARTICLE, limit, "lead")
    assert [decode(view) for view in found.views] == [view]
    assert found.judge == found.views[0]
    assert found.used == len(view)


def test_lead_prefers_first_sentences() -> None:
    text = "甲一。" + "甲二二二。" * 10 + "\n乙一。乙二。\n丙一。丙二。"
    assert views(text, 12, "lead") == ["甲一。乙一。丙一。丙二。"]
    assert views(text, 9, "lead") == ["甲一。乙一。丙一。"]
    assert views("   \n\n甲一。甲二。\n乙一。乙二。", 12, "lead") == ["   \n\n甲一。乙一。"]


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        (27, [PIECES[:6], PIECES[6:]]),
        (14, [PIECES[:3], PIECES[3:6], PIECES[6:]]),
        (11, [PIECES[:3], PIECES[3:5], PIECES[5:]]),
        (10, [PIECES[:2], PIECES[2:4], PIECES[4:6], PIECES[6:]]),
        (5, [[piece] for piece in PIECES]),
    ],
)
def test_chunk(limit: int, wanted: list[list[str]]) -> None:
    found = truncated(ARTICLE, limit, "chunk")
    assert [decode(view) for view in found.views] == ["".join(pieces) for pieces in wanted]
    assert found.used == found.tokens == 28
    assert found.judge == truncated(ARTICLE, limit, "head-tail").views[0]


def test_chunks_of_a_sentence_that_is_too_long() -> None:
    """It is cut, and what follows goes on behind its last part."""
    text = "甲一。" + "长" * 9 + "。乙。丙丙。"
    assert views(text, 4, "chunk") == ["甲一。", "长长长长", "长长长长", "长。乙。", "丙丙。"]


@pytest.mark.parametrize("limit", [1, 7, 20, 49])
def test_one_endless_sentence(limit: int) -> None:
    parts = [ENDLESS[at : at + limit] for at in range(0, 50, limit)]
    assert views(ENDLESS, limit, "head") == [ENDLESS[:limit]]
    assert views(ENDLESS, limit, "lead") == [ENDLESS[:limit]]
    assert views(ENDLESS, limit, "chunk") == parts
    assert len(views(ENDLESS, limit, "head-tail")[0]) == limit


def test_a_long_first_sentence_does_not_hide_the_others() -> None:
    assert views(ENDLESS + "。\n乙一。", 20, "lead") == ["乙一。"]


def test_lead_keeps_the_order_of_the_article() -> None:
    long = "很长很长。"
    assert views(long + "乙。" + long * 38 + "丙。" + long, 4, "lead") == ["乙。丙。"]


def test_pieces_of_several_characters() -> None:
    """Room is counted in ids, not in characters."""

    def pairs(text: str) -> list[int]:
        return [hash(text[at : at + 2]) for at in range(0, len(text), 2)]

    text = "一二三。四五六。七八九。"
    assert truncate(text, pairs, 4, "lead").views == [pairs("一二三。四五六。")]
    assert truncate(text, pairs, 4, "chunk").views == [pairs("一二三。四五六。"), pairs("七八九。")]
    assert truncate(text, pairs, 4, "head").used == 4
    assert truncate(text, pairs, 6, "chunk").views == [pairs(text)]


TEXTS = st.text(st.sampled_from("甲乙。！\n “”"), min_size=1, max_size=60)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 40), st.sampled_from(WAYS))
def test_laws(text: str, limit: int, how: str) -> None:
    found = truncated(text, limit, how)
    whole = encode(text)
    if len(whole) <= limit:
        assert found == Truncated([whole], whole, len(whole), len(whole))
    elif how == "chunk":
        assert [i for view in found.views for i in view] == whole
        assert found.used == len(whole)
        ends = set(itertools.accumulate(map(len, sentences(text))))
        for end, view in zip(itertools.accumulate(map(len, found.views)), found.views, strict=True):
            assert end in ends or len(view) == limit
    else:
        assert found.views == [found.judge]
        assert found.used == len(found.judge)
    if how == "lead":
        rest = iter(text)
        assert all(character in rest for character in decode(found.judge))  # in the article's order
