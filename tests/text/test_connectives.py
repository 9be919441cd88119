"""Connectives that come in pairs."""

import pytest

from textgen.text.connectives import keeps_order, paired


@pytest.mark.parametrize(
    ("words", "pair", "kept"),
    [
        ("虽然 下雪", "虽然 ，但是 下雪", True),
        ("宁可 也不", "宁可 ，也不", True),
        ("但是 虽然", "虽然 ，但是", False),
        ("天气 不但 还", "天气 不但 ，还", True),
        ("如果 就 告诉", "如果 ， 就 告诉", True),
        ("一边", "一边 一边", True),
        ("一边 一边", "一边 一边", True),
    ],
)
def test_a_connective_has_its_partner(words: str, pair: str, kept: bool) -> None:
    found = paired(words.split())
    assert found == pair.split()
    assert keeps_order(words.split(), found) == kept


def test_other_words_have_none() -> None:
    assert paired(["图书馆", "所以"]) is None
