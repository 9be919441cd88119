"""Distinct n-grams, repetition and length, counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.metrics.diversity import distinct, length_ratio, repetition


def test_distinct() -> None:
    texts = ["天天地", "地 人"]
    assert distinct(texts, 1).value == pytest.approx(100 * 3 / 5)
    assert distinct(texts, 2).value == pytest.approx(100)  # 天天 天地 地人
    assert distinct(["天地天地", "天地"], 2).value == pytest.approx(100 * 2 / 4)
    assert distinct(["天", ""], 2).value is None
    assert distinct(["天地"], 1).name == "distinct-1"


def test_a_text_has_its_part_of_what_it_shares() -> None:
    assert distinct(["天地", "天人"], 1).counts == [(1.5, 2), (1.5, 2)]


@given(st.lists(st.text("天地人 ab"), max_size=6), st.integers(1, 3))
def test_distinct_is_that_of_the_texts_together(texts: list[str], size: int) -> None:
    packed = ["".join(text.split()) for text in texts]
    grams = [text[at : at + size] for text in packed for at in range(len(text) - size + 1)]
    value = distinct(texts, size).value if texts else None
    assert value == (pytest.approx(100 * len(set(grams)) / len(grams)) if grams else None)


def test_repetition() -> None:
    assert repetition(["天地人山" * 2]).value == pytest.approx(100 * 1 / 5)  # 天地人山 again, of five runs
    assert repetition(["哈哈哈哈 哈哈"]).value == pytest.approx(100 * 2 / 3)
    assert repetition(["天地人山", "天地人山"]).value == 0  # not across texts
    assert repetition(["天地人"]).value is None


def test_length_ratio() -> None:
    assert length_ratio(["天地", ""], ["天 地人", "山"]).value == pytest.approx(50)
