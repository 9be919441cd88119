"""Number expressions, and what they are worth."""

from __future__ import annotations

from fractions import Fraction

import pytest

from textgen.text.checks.numbers import numbers, ratios


def values(text: str) -> list[tuple[str, object, str]]:
    return [(text[n.start : n.end], n.value, n.kind) for n in numbers(text)]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12,000", 12000),
        ("１２，０００", 12000),
        ("1.2万", 12000),
        ("一万二千", 12000),
        ("1.2万亿", 12 * 10**11),
        ("一亿两千万", 120_000_000),
        ("1亿3786万", 137_860_000),
        ("五千万亿", 5 * 10**15),
        ("二十万零三", 200_003),
        ("二〇二四", 2024),
        ("一百零五", 105),
        ("十", 10),
        ("三点五", Fraction(7, 2)),
        ("三分之一", Fraction(1, 3)),
        ("9.90", Fraction(99, 10)),
        ("4.3.4", "4.3.4"),
    ],
)
def test_the_value_of_a_number(written: str, value: object) -> None:
    assert values(f"共{written}元") == [(written, value, "")]


@pytest.mark.parametrize("written", ["6.2%", "６．２％", "百分之六点二", "百分之6.2"])
def test_shares_are_equal_however_they_are_written(written: str) -> None:
    assert values(f"增长{written}。") == [(written, Fraction(62, 1000), "%")]


def test_tenths_and_the_sign_behind_a_range() -> None:
    assert values("过六成") == [("六成", Fraction(6, 10), "%")]
    assert values("六成功") == [("六", 6, "")]
    assert [value for _, value, _ in values("增长5-6%")] == [Fraction(5, 100), Fraction(6, 100)]


def test_a_decimal_without_a_unit_may_be_a_version() -> None:
    assert values("内核5.10发布") == [("5.10", "5.10", "")]
    assert values("5.10 美元和5.1美元") == [("5.10", Fraction(51, 10), ""), ("5.1", Fraction(51, 10), "")]


def test_numbers_of_names_are_none() -> None:
    assert values("MH370 与 5G、3D、PM2.5") == []
    assert [written for written, _, _ in values("20km 和 16GB")] == ["20", "16"]


def test_sides_of_a_ratio_stand_together() -> None:
    for text in ("以3比2取胜", "3:2", "3∶2", "3-2"):
        assert ratios(text, numbers(text)) == [(0, 1)]
    text = "3人和2人"
    assert ratios(text, numbers(text)) == []
