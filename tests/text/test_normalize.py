"""The default cleaning keeps what a reader sees and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.errors import DataError
from textgen.text.normalize import check_encodable, clean, cleaned, split_headline

AWKWARD = st.text(
    st.one_of(
        st.sampled_from("\r\n\t\x0b\x0c\x00\x1c\x85 \u3000\xa0\u2028\ufeff\u200b\u200d\xad甲a"),
        st.characters(),
    )
)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("甲\r\n乙\r丙\n丁", "甲\n乙\n丙\n丁"),
        ("甲\u2028乙\u2029丙\x0b丁\x0c戊", "甲 乙 丙 丁 戊"),
        ("甲\n\n \u3000\n\t\n乙\n", "甲\n乙"),
        ("\u3000\u3000甲乙\xa0 \n  丙\u3000", "甲乙\n丙"),
        ("甲\t乙", "甲 乙"),
        ("\ufeff甲\u200b乙\xad丙\ufeff", "甲乙丙"),
        ("甲\x00\x07\x1b\x7f乙\x85丙", "甲乙 丙"),
        ("\u200b 甲", "甲"),
        ("", ""),
        (" \n\u3000", ""),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    "text", ["ＡＢＣ１２３", "Hello  World iPhone", "甲\u3000乙", "👨\u200d👩\u200d👧", "：“好。”"]
)
def test_clean_keeps(text: str) -> None:
    assert clean(text) == text


@given(AWKWARD)
def test_clean_twice_is_clean_once(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned


@given(AWKWARD)
def test_clean_text_has_neither_blank_lines_nor_outer_spaces(text: str) -> None:
    for line in clean(text).split("\n") if clean(text) else []:
        assert line
        assert line == line.strip()


def test_each_character_of_a_clean_text_is_known_by_its_place() -> None:
    raw = "\u3000\u3000甲\r\n\r\n \u200b乙\t丙\ufeff \u2028丁"
    kept = cleaned(raw)
    assert kept.text == "甲\n乙 丙  丁"
    assert [raw[place] for place in kept.places] == ["甲", "\r", "乙", "\t", "丙", " ", "\u2028", "丁"]


@given(AWKWARD)
def test_the_places_tell_what_became_of_every_character(text: str) -> None:
    kept = cleaned(text)
    assert kept.text == clean(text)
    assert len(kept.places) == len(kept.text)
    assert all(a < b for a, b in pairwise(kept.places))
    for character, place in zip(kept.text, kept.places, strict=True):
        assert character == text[place] or (character in "\n " and text[place].isspace())
    left_out = set(range(len(text))).difference(kept.places)
    # nothing that anybody sees was left out: what is no white space goes wherever it stands
    assert all(text[place].isspace() or not clean(f"甲{text[place]}甲")[1:-1] for place in left_out)


def test_split_headline() -> None:
    assert split_headline("标题\n第一段\n第二段") == ("标题", "第一段\n第二段")


@pytest.mark.parametrize("text", ["", "标题", "标题\n", "标题\n \n"])
def test_split_headline_needs_a_rest(text: str) -> None:
    with pytest.raises(DataError, match="nothing remains after the first line"):
        split_headline(text)


def test_check_encodable_accepts_what_utf8_can_say() -> None:
    check_encodable("正文😀\n\x00")


def test_check_encodable_names_the_first_lone_surrogate() -> None:
    with pytest.raises(DataError, match=r"^prompt has a lone surrogate \(U\+DCE4\) at character 3 \("):
        check_encodable("正文\udce4和\ud800", name="prompt")


@given(st.text(st.characters(codec=None)))
def test_check_encodable_agrees_with_the_codec(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        with pytest.raises(DataError, match=rf"at character {error.start + 1} \("):
            check_encodable(text)
    else:
        check_encodable(text)


def test_a_headline_ends_where_a_line_does() -> None:
    assert split_headline(clean("头条\u2028新闻\r\n正文。")) == ("头条 新闻", "正文。")
