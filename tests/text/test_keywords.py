"""Keywords as users give them, and whether a text holds them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.errors import DataError
from textgen.text.keywords import essential, keywords_of, missing

words = st.lists(st.text("ab", min_size=1, max_size=3), max_size=4)


@pytest.mark.parametrize("separator", ["，", ",", "、", "；", ";", "|", "\t", "\n", "\r\n", " , "])
def test_a_string_is_split(separator: str) -> None:
    assert keywords_of(f"广州{separator}地铁") == ("广州", "地铁")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["广州", " 地铁 ", "", "广州"], ("广州", "地铁")),
        (("a,b",), ("a,b",)),
        ("New York、  地铁  ", ("New York", "地铁")),
        ("，，广州,;广州\n", ("广州",)),
        ("　", ()),
        ([], ()),
        (None, ()),
    ],
)
def test_what_is_read(value: object, found: tuple[str, ...]) -> None:
    assert keywords_of(value) == found


@pytest.mark.parametrize("value", [3, True, {"a": 1}, ["广州", 3], [None], [["广州"]], b"ab"])
def test_what_is_no_text(value: object) -> None:
    with pytest.raises(DataError, match="must be text") as caught:
        keywords_of(value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "keywords", "lacking"),
    [
        ("广州市地铁开通", ["广州", "州市", "广州市", "地铁"], []),
        ("广州的地铁", ["广州市", "地铁"], ["广州市"]),
        ("mh370", ["MH370"], ["MH370"]),
        ("", [], []),
        ("", ["广州"], ["广州"]),
    ],
)
def test_missing(text: str, keywords: list[str], lacking: list[str]) -> None:
    assert missing(text, keywords) == lacking


@pytest.mark.parametrize(
    ("text", "keywords", "lacking"),
    [
        ("广州地铁开通", ["广州", "地铁", "开通"], []),
        ("广州地铁开通", ["地铁", "广州"], ["广州"]),
        ("广州地铁到广州", ["地铁", "广州"], []),  # one out of order does no harm
        ("广州市", ["广州", "州市"], []),
        ("广州市", ["州市", "广州"], ["广州"]),
        ("广州市", ["广州市", "广州", "市"], []),  # within its neighbour
        ("广州市", ["市", "广州", "广州市"], []),
        ("北京广州市", ["北京", "广州市", "广州"], []),
        ("广州到北京到广州市", ["广州", "北京", "广州市"], []),
        ("北京到广州市", ["广州", "北京", "广州市"], ["北京", "广州市"]),
        ("aa", ["aa", "aa"], []),
    ],
)
def test_missing_in_order(text: str, keywords: list[str], lacking: list[str]) -> None:
    assert missing(text, keywords, ordered=True) == lacking


def in_order(text: str, keywords: list[str]) -> bool:
    """Whether some occurrences of the keywords begin one behind the other, by trying all."""
    places = [[n for n in range(len(text)) if text.startswith(word, n)] for word in keywords]
    return any(list(chain) == sorted(set(chain)) for chain in itertools.product(*places))


@given(st.text("ab", max_size=8), words)
def test_order_is_what_trying_all_occurrences_says_from_either_side(text: str, keywords: list[str]) -> None:
    needed = essential(keywords, ordered=True)
    assert (not missing(text, keywords, ordered=True)) == in_order(text, needed)
    backwards = [word[::-1] for word in reversed(needed)]
    assert (not missing(text[::-1], backwards, ordered=True)) == in_order(text, needed)


@given(st.text("ab", max_size=8), words)
def test_the_essential_keywords_stand_for_all(text: str, keywords: list[str]) -> None:
    assert (not missing(text, essential(keywords))) == (not missing(text, keywords))
    kept = essential(keywords)
    assert not any(one in other for one, other in itertools.permutations(kept, 2))


def test_a_cell_may_hold_a_json_list() -> None:
    assert keywords_of('["广州", "早茶、点心"]') == ("广州", "早茶、点心")
    assert keywords_of("[广州") == ("[广州",)
