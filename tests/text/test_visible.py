"""What steers a terminal is shown, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.visible import escaped, visible


@given(st.text())
def test_every_character_is_shown_as_one(text):
    shown = visible(text)
    assert len(shown) == len(text)
    assert "\x1b" not in shown
    assert len((shown + "x").splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m红\x1b[0m", "␛[31m红␛[0m"),
        ("一\n二\r\n", "一␊二␍␊"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("\x9b31m", "�31m"),  # an escape sequence in one character
        ("gnp\u202etxt.exe", "gnp�txt.exe"),
        ("\u2066a\u2069", "�a�"),
        ("a\u2028b\u2029c\x85", "a�b�c�"),
        ("坏\udcff.txt", "坏�.txt"),
    ],
)
def test_what_steers_is_shown(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text", ["春天，来了。", "👩‍👩‍👧🏽", "é ü", "全　角", "\ue000\U000f0000", "🏴\U000e0067\U000e007f"]
)
def test_everything_else_stays(text):
    assert visible(text) == text
    assert escaped(text) == text


def test_what_is_expected_may_pass():
    assert visible("a\tb\nc\x1b", keep="\n\t") == "a\tb\nc␛"


@given(st.text(st.characters()))
def test_json_stays_the_same_json(text):
    line = json.dumps({text: [text]}, ensure_ascii=False)
    assert json.loads(escaped(line)) == json.loads(line)
    assert visible(escaped(line)) == escaped(line)
