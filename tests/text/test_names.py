"""Names and words without what nobody sees in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.names import bare, repeated


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
    assert bare(name) == "text"


def test_what_is_seen_stays() -> None:
    family = "👨\u200d👩\u200d👧"
    for name in (family, "正文 2", "a-b_c", "é", "，", "ｔ", "甲\n乙"):
        assert bare(name) == name
    assert bare(f"\u200d{family}\u200c ") == family
    assert bare("正文\xa02") == "正文 2"
    assert bare(" \u200b\ufeff ") == ""


@given(st.text())
def test_twice_is_once(name: str) -> None:
    assert bare(bare(name)) == bare(name)


def test_the_first_name_that_is_there_twice() -> None:
    assert repeated(["a", "b", "c", "b", "a"]) == "a"
    assert repeated(["a", "b"]) is None
