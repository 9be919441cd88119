"""Names and words without what nobody sees in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.names import clean_name, repeated


@pytest.mark.parametrize(
    "name",
    [
        "text",
        " text\t",
        "\ufefftext",
        "\ufeff\ufefftext",
        "te\u200bxt",
        "text\xa0",
        "\u3000text",
        "\u200etext\u202c",
        "te\xadxt\0",
    ],
)
def test_what_looks_the_same_is_the_same(name: str) -> None:
    assert clean_name(name) == "text"


def test_what_is_seen_stays() -> None:
    family = "👨\u200d👩\u200d👧"
    for name in (family, "正文 2", "a-b_c", "é", "，", "ｔ", "甲\n乙"):
        assert clean_name(name) == name
    assert clean_name(f"\u200d{family}\u200c ") == family
    assert clean_name("正文\xa02") == "正文 2"
    assert clean_name(" \u200b\ufeff ") == ""


@given(st.text())
def test_twice_is_once(name: str) -> None:
    assert clean_name(clean_name(name)) == clean_name(name)


def test_the_first_name_that_is_there_twice() -> None:
    assert repeated(["a", "b", "c", "b", "a"]) == "a"
    assert repeated(["a", "b"]) is None
