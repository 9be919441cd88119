"""Templates of prompts, and shots."""

from __future__ import annotations

import pytest

from textgen.messages import OptionError
from textgen.text.prompts import DEFAULT, MOST_CHARACTERS, shot_of, split


def test_a_template_has_one_place_and_something_behind() -> None:
    assert split(DEFAULT) == ("文章：", "\n标题：")
    assert split("{a}{article}{{}}") == ("{a}", "{{}}")
    for template in ("", "文章：", "{ article }：", "{article}", "{article}{article}："):
        with pytest.raises(OptionError):
            split(template)


def test_the_article_of_a_shot_is_cut_at_the_end_of_a_sentence() -> None:
    long = "今日有雨。" * 59 + "明日转晴，" + "山上有风。" * 9
    assert shot_of({"title": " 夜\n雨 ", "text": long, "id": 3}) == ("夜 雨", "今日有雨。" * 59)
    assert shot_of({"title": "晴", "text": "晴" * 999})[1] == "晴" * MOST_CHARACTERS
    assert shot_of({"title": "晴", "text": "  无标点 "}) == ("晴", "无标点")
    for fields in ({"text": "雨"}, {"title": "雨"}, {"title": " ", "text": "雨"}, {"title": 3, "text": "雨"}):
        with pytest.raises(OptionError, match="a shot without a"):
            shot_of(fields)
