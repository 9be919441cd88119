"""What has nothing to see in it is blank."""

import pytest

from textgen.text.blank import is_blank
from textgen.text.normalize import clean

BLANK = ["", " \t\r\n", "\u3000\xa0", "\u200b\u200c\u200d\u2060", "\ufeff", "\xad\x00\x1b", "\u2028\x85\v\f"]


@pytest.mark.parametrize("text", BLANK)
def test_white_space_and_characters_of_no_width_are_blank(text: str) -> None:
    assert is_blank(text)
    assert is_blank(clean(text))


@pytest.mark.parametrize("text", ["春", "\u200b。", " a ", "😀", "\ufffd", "\u0301", "\ud800"])
def test_what_can_be_seen_is_not(text: str) -> None:
    assert not is_blank(text)
