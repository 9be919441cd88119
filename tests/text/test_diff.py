"""What changed between two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.diff import Anchor, Change, changes_between, marked


@pytest.mark.parametrize(
    ("source", "text", "found", "shown"),
    [
        ("我很高心。", "我很高兴。", [Change(3, 4, 3, 4)], "我很高[-心-]{+兴+}。"),
        ("不太好好。", "不太好。", [Change(3, 4, 3, 3)], "不太好[-好-]。"),
        ("我学校。", "我去学校。", [Change(1, 1, 1, 2)], "我{+去+}学校。"),
        ("一样", "一样", [], "一样"),
        ("", "", [], ""),
    ],
)
def test_changes_are_shown(source: str, text: str, found: list[Change], shown: str) -> None:
    assert changes_between(source, text) == found
    assert marked(source, text, found) == shown


@given(st.text("天地人", max_size=8), st.text("天地人", max_size=8))
def test_the_changes_make_the_text(source: str, text: str) -> None:
    made, end = "", 0
    for change in changes_between(source, text):
        made += source[end : change.source_start] + text[change.start : change.end]
        end = change.source_end
        assert len(made) == change.end
    assert made + source[end:] == text


def test_what_is_known_to_have_stayed_is_not_compared() -> None:
    # compared as strings, 天天 against 天地天 would keep the first and the last
    assert changes_between("天天", "天地天", [Anchor(0, 2, 1)]) == [Change(0, 0, 0, 2), Change(1, 2, 3, 3)]
