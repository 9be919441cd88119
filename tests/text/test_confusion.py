"""What people write for what, and changes as errors."""

from __future__ import annotations

import pytest

from textgen.text.confusion.changes import as_errors, with_kinds
from textgen.text.confusion.errors import Errors
from textgen.text.confusion.tables import common_characters, misspelt_words, near_in_shape, near_in_sound
from textgen.text.diff import changes_between, marked


@pytest.mark.parametrize(
    ("written", "meant", "kind"),
    [
        ("在", "再", "sound"),
        ("的", "地", "sound"),
        ("曾", "成", "near"),  # c and ch, eng and en
        ("门", "们", "sound"),
        ("乌", "鸟", "shape"),
        ("人", "木", None),
    ],
)
def test_a_character_may_have_been_meant_by_another(written: str, meant: str, kind: str | None) -> None:
    assert Errors(written).meant[0].get(meant) == kind


def test_a_word_that_is_often_misspelt() -> None:
    assert Errors("我自已去").meant[2]["己"] == "word"
    assert Errors("自 已").meant[2].get("己") != "word"


def test_the_tables() -> None:
    assert len(common_characters()) == 3755
    for character in "中国人":
        assert character not in near_in_sound(character) | near_in_shape(character)
    assert "你" in near_in_sound("里")  # n and l
    assert all(len(wrong) == len(right) and wrong != right for wrong, right in misspelt_words().items())


def test_what_belongs_to_words_is_neither_doubled_nor_swapped() -> None:
    assert Errors("昨天去去看了").doubled == {2, 3}
    for text in ("洗得干干净净", "明明明天考试", "小李李子吃多了"):
        assert not Errors(text).doubled
    assert 3 in Errors("他要多息休").swapped
    assert 0 not in Errors("蜜蜂飞").swapped


@pytest.mark.parametrize(
    ("source", "text", "shown", "kinds"),
    [
        ("我很高心。", "我很高兴。", "我很高[-心-]{+兴+}。", ["sound"]),
        ("他要多息休。", "他要多休息。", "他要多[-息休-]{+休息+}。", ["swapped"]),
        ("去去看了乌", "去看了鸟", None, ["doubled", "shape"]),
        ("春节期车票", "春节期间车票", "春节期{+间+}车票", ["missing"]),
        ("我自已很好呀", "我自己很好", None, ["word", "extra"]),
        ("人", "木", "[-人-]{+木+}", ["other"]),
    ],
)
def test_changes_as_errors(source: str, text: str, shown: str | None, kinds: list[str]) -> None:
    found = as_errors(source, text, changes_between(source, text))
    assert shown in (None, marked(source, text, found))
    assert [change.kind for change in with_kinds(source, text, found)] == kinds
