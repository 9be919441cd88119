"""Words on the command line: several in one argument, as in a cell of a table; none with what nobody sees."""

from __future__ import annotations

from typing import Any

import pytest

from textgen.cli.commands.compose import word_inputs
from textgen.cli.flags import split_keywords
from textgen.errors import UsageError
from textgen.options import ComposeOptions, TitleOptions, parse


def test_a_flag_may_hold_several_keywords() -> None:
    assert split_keywords(["地铁,开通", "早茶", "['广州', '美食']"]) == [
        "地铁",
        "开通",
        "早茶",
        "广州",
        "美食",
    ]
    assert split_keywords(["New York"]) == ["New York"]
    assert split_keywords(["\ufeff夜间，\u200b读者"]) == ["夜间", "读者"]
    assert split_keywords(None) is None
    with pytest.raises(UsageError, match="keyword "):
        parse(TitleOptions, {"keyword": split_keywords([" "])})
    with pytest.raises(UsageError, match=r"^keyword: these keywords cannot be read: "):
        split_keywords(["[广州"])


@pytest.mark.parametrize(
    "words", [["春天 公园"], ["春天，公园"], ["春天", "公园"], ["\u200b春天", "公园 春天"]]
)
def test_arguments_may_hold_several_words(words: list[str]) -> None:
    (row,) = word_inputs(words, None, {})
    assert tuple(dict.fromkeys(row.keywords)) == ("春天", "公园")


@pytest.mark.parametrize("kind", [TitleOptions, ComposeOptions])
def test_from_python_a_string_is_split_and_a_list_is_not(kind: type[Any]) -> None:
    assert parse(kind, {"keyword": "地铁,开通"}).keyword == ("地铁", "开通")
    assert parse(kind, {"keyword": ["地铁,开通", "\ufeff早茶 "]}).keyword == ("地铁,开通", "早茶")


def test_words_to_avoid_are_not_split() -> None:
    assert parse(TitleOptions, {"avoid": "，"}).avoid == ("，",)
    assert parse(TitleOptions, {"avoid": ["地铁,开通", "夜\u200b间"]}).avoid == ("地铁,开通", "夜间")
