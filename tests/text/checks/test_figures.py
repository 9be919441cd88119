"""Numbers in other forms than the article's, and numerals that are none."""

from __future__ import annotations

import pytest

from textgen.text.checks.editor import flags

STATED = [
    ("占1/3的人赞成", "三分之一的人赞成。"),
    ("占三分之一的人赞成", "1/3的人赞成。"),
    ("只要9.9元", "只要9.90元。"),
    ("晚8点直播", "20:00直播。"),
    ("今晚8点直播", "20时直播。"),
    ("公司5人被免职", "公司五人被免职。"),
    ("3人受伤", "一死三伤。"),
    ("5000元起", "电池5000毫安，售价5000元。"),
]
NOT_STATED = [
    ("占1/4的人赞成", "三分之一的人赞成。"),
    ("5.1版发布", "5.10版发布。"),
    ("晚8点直播", "19:00直播。"),
    ("早8点直播", "20:00直播。"),
    ("晚8点直播", "票价20元，现在直播。"),
    ("公司5人被免职", "公司王五等人被免职。"),
    ("5000元起", "电池5000毫安。"),
]


@pytest.mark.parametrize(("title", "article"), STATED)
def test_a_number_is_stated_in_another_form(title: str, article: str) -> None:
    assert "number" not in flags(title, article)


@pytest.mark.parametrize(("title", "article"), NOT_STATED)
def test_a_number_that_looks_like_it_is_another(title: str, article: str) -> None:
    assert "number" in flags(title, article)


@pytest.mark.parametrize(
    "title",
    [
        "三轮车来了",
        "二人转来了",
        "三国演义上映",
        "八一建军节活动",
        "五一假期出游",
        "双十一购物",
        "两国元首会谈",
    ],
)
def test_a_numeral_of_a_word_counts_nothing(title: str) -> None:
    assert "number" not in flags(title, "他们都来了。")


@pytest.mark.parametrize(
    "title", ["七国集团会谈", "三轮比赛结束", "三人份年糕", "三连冠到手", "十一届会议", "两国集团会谈"]
)
def test_a_numeral_with_a_measure_counts(title: str) -> None:
    assert "number" in flags(title, "他们都来了。")
