"""Names and sizes of letters and digits must be those of the article."""

from __future__ import annotations

import pytest

from textgen.text.checks.editor import flags

WRONG = [
    ("手机支持200W快充", "手机支持120W快充。"),
    ("手机支持200W快充", "手机支持1200W快充。"),
    ("一架A321客机失事", "一架A320客机失事。"),
    ("64G版手机上市", "128G版手机上市。"),
    ("4K电视上市", "8K电视上市。"),
    ("G20峰会开幕", "G7峰会开幕。"),
    ("G20峰会开幕", "G7峰会开幕，GDP20强出席。"),
    ("PM2治理见效", "PM2.5治理见效。"),
    ("H1N流感来了", "H1N1流感来了。"),
]
RIGHT = [
    ("手机支持120w快充", "手机支持１２０ W快充。"),
    ("手机支持120W快充", "手机支持120瓦快充。"),
    ("一架A320客机失事", "一架空客a-320客机失事。"),
    ("64G版手机上市", "64GB版手机上市。"),
    ("iPhone15上市", "iPhone 15 Pro上市。"),
    ("支持PS3的内核发布", "支持PlayStation 3的内核发布。"),
    ("PM2.5治理见效", "pm2.5治理见效。"),
    ("改进AdaBoost.M2算法", "改进AdaBoostM2算法。"),
    ("一台200km外的灯塔", "一台二百公里外的灯塔。"),  # a number with its unit
    ("近30a公路格局", "1986年到2016年公路格局。"),
]


@pytest.mark.parametrize(("title", "article"), WRONG)
def test_a_code_that_the_article_lacks_is_flagged(title: str, article: str) -> None:
    assert "number" in flags(title, article)


@pytest.mark.parametrize(("title", "article"), RIGHT)
def test_a_code_of_the_article_is_sound_in_any_spelling(title: str, article: str) -> None:
    assert "number" not in flags(title, article)
