"""Texts in the style of a house."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.house_style import house_style

TEXTS = st.text(st.sampled_from('春天aＡ1１.,:;?!()，：。！？；（）"“”‘’「」『』％% \n'), max_size=24)


@pytest.mark.parametrize(
    ("text", "half", "full"),
    [
        ("他说,今天3.5度,12:30见(OK).", "他说,今天3.5度,12:30见(OK).", "他说，今天3.5度，12:30见（OK）."),
        ("等等...真的.", "等等...真的.", "等等...真的。"),
        ("你好!?", "你好!?", "你好！？"),
        ("ＧＰＳ５００，好！（真的）", "GPS５００,好!(真的)", "ＧＰＳ５００，好！（真的）"),
        (
            "１２：３０～１３：００，共5，999元",
            "１２：３０～１３：００,共5，999元",
            "１２：３０～１３：００，共5，999元",
        ),
        ("Hello, world. 《书》、三成。", "Hello, world. 《书》、三成。", "Hello, world. 《书》、三成。"),
        ("5,999元:抢购", "5,999元:抢购", "5,999元：抢购"),
    ],
)
def test_width(text: str, half: str, full: str) -> None:
    assert house_style(text, "half") == half
    assert house_style(text, "full") == full


@pytest.mark.parametrize(
    ("text", "curved", "cornered"),
    [
        ("他说“不‘行’”", "他说“不‘行’”", "他说「不『行』」"),
        ("他说「不『行』」", "他说“不‘行’”", "他说「不『行』」"),
        ('他说"不行"吧', "他说“不行”吧", "他说「不行」吧"),
        ('一"二', '一"二', '一"二'),
        ("I’m ok", "I’m ok", "I’m ok"),
        ("《书》【图】", "《书》【图】", "《书》【图】"),
    ],
)
def test_quotation_marks(text: str, curved: str, cornered: str) -> None:
    assert house_style(text, quotes="“”") == curved
    assert house_style(text, quotes="「」") == cornered


@given(TEXTS, st.sampled_from([None, "half", "full"]), st.sampled_from([None, "“”", "「」"]))
def test_places_hold_numerals_stay_and_a_second_time_changes_nothing(text, width, quotes) -> None:
    styled = house_style(text, width, quotes)
    assert len(styled) == len(text)
    digits = [n for n, character in enumerate(text) if character in "1１"]
    assert all(styled[n] == text[n] for n in digits)
    assert house_style(styled, width, quotes) == styled
    assert house_style(text) == text
