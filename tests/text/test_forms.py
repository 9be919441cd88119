"""What a lossy tokenizer wrote, in the form of its source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.forms import restored
from textgen.text.model_input import as_read


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("iphone 15 pro发布", "苹果的iPhone 15 Pro今天发布。", "iPhone 15 Pro发布"),
        ("gpt和GPT", "GPT-4", "GPT和GPT"),
        ("cafe开业", "Café今天开业", "Café开业"),
        ("abc公司", "ＡＢＣ公司", "ＡＢＣ公司"),
        ("今天,天气好.", "今天，天气好。", "今天，天气好。"),
        ("今天,天气好.", "今天,天气好。", "今天,天气好。"),
        ("增长3.5%", "增长3.5%，", "增长3.5%"),
        ("比分3:2", "比分：3:2", "比分3:2"),
        ("ios用户", "iOS的iOS和IOS", "iOS用户"),
        ("新词word", "没有这个词", "新词word"),
        ("strasse", "Straße", "strasse"),
    ],
)
def test_words_and_marks_are_given_back_in_their_own_form(text: str, source: str, expected: str) -> None:
    assert restored(text, source) == expected


def test_words_that_were_asked_for_go_first() -> None:
    assert restored("用gpt写iphone", "GPT和IPHONE", ["gPT"]) == "用gPT写IPHONE"


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_length_stays(text: str, source: str) -> None:
    assert len(restored(text, source)) == len(text)


def test_a_reading_of_a_lossy_tokenizer() -> None:
    reading = as_read("买了iPhone，很好。", emoji=True, traditional=True, lossy=True)
    assert reading.given_back("iphone,很好") == "iPhone，很好"
    assert reading.settled("很好iph") == 2
    edited, changes = reading.edited("买了iphone,很差.")
    assert edited == "买了iPhone，很差。"
    assert [edited[change.start : change.end] for change in changes] == ["差"]
    assert as_read("iPhone", emoji=True, traditional=True).given_back("iphone") == "iphone"


def test_a_lossy_reading_of_a_traditional_text_is_given_back_in_both_ways() -> None:
    reading = as_read("他說iPhone的螢幕，頭髮。", emoji=True, lossy=True)
    assert reading.text == "他说iPhone的萤幕，头发。"
    assert reading.given_back("iphone,头发") == "iPhone，頭髮"
    assert reading.edited("他说iphone的萤幕,长发。")[0] == "他說iPhone的螢幕，長髮。"
    # neither of a word nor of a run of characters the end is known
    assert [reading.settled(text) for text in ("好,头发", "头发,iph")] == [2, 3]
