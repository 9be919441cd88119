"""Keywords as users give them, and whether a text holds them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.errors import DataError
from textgen.text.keywords import Terms, essential, keywords_of, missing, several_in_one, words_of

words = st.lists(st.text("ab", min_size=1, max_size=3), max_size=4)


@pytest.mark.parametrize("separator", ["，", ",", "、", "；", ";", "|", "\t", "\n", "\r\n", " , "])
def test_a_string_is_split(separator: str) -> None:
    assert keywords_of(f"广州{separator}地铁") == ("广州", "地铁")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["广州", " 地铁 ", "", "广州"], ("广州", "地铁", "广州")),
        (("a,b",), ("a,b",)),
        ("New York、  地铁  ", ("New York", "地铁")),
        ("，，广州,;广州\n", ("广州", "广州")),
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


@pytest.mark.parametrize(
    "cell",
    [
        "['广州', '早茶、点心']",
        """["广州", '早茶、点心']""",
        "('广州', '早茶、点心')",
        "('广州', '早茶、点心',)",
        "['广州' '早茶、点心']",
        "['广州'\n '早茶、点心']",
        "{'广州', '早茶、点心'}",
        "'广州', '早茶、点心'",
        " ['\\u5e7f州', \"早茶、点心\"] ",
    ],
)
def test_a_cell_may_hold_a_list_as_python_or_numpy_writes_it(cell: str) -> None:
    assert keywords_of(cell) == ("广州", "早茶、点心")


def test_a_list_in_a_cell_may_be_empty_or_of_one() -> None:
    assert keywords_of("[]") == keywords_of("()") == ()
    assert keywords_of("['广州']") == keywords_of("('广州',)") == keywords_of('"广州"') == ("广州",)
    assert keywords_of(str(["O'Neill", '5"'])) == ("O'Neill", '5"')


@pytest.mark.parametrize(
    "cell",
    [
        "[广州，美食]",
        "[广州",
        "广州, 美食]",
        "['广州', '美食'",
        "'广州', '美食']",
        "['广州', 美食]",
        "[['广州']]",
        "[nan]",
        "['广州', None]",
        "['广州' ... '美食']",
        "array(['广州', '美食'], dtype=object)",
        "Index(['广州'])",
        "(广州, 美食)",
        "（广州，美食）",
        "广州, '美食",
        "{'广州': 1}",
        "['\\xzz']",
        "[" * 5000,
    ],
)
def test_what_looks_like_a_list_and_is_none_is_no_keyword(cell: str) -> None:
    with pytest.raises(DataError) as caught:
        keywords_of(cell)
    assert caught.value.hint
    assert len(caught.value.line) < 200


def test_brackets_within_words_are_text() -> None:
    cell = "(一)班、f(x)、O'Neill、5\"、《红楼梦》、[1]".removesuffix("、[1]")
    assert keywords_of(cell) == ("(一)班", "f(x)", "O'Neill", '5"', "《红楼梦》")
    assert keywords_of(["[1]", "(广州"]) == ("[1]", "(广州")


def test_keywords_have_no_invisible_characters() -> None:
    assert (
        keywords_of("\ufeff广州\u200b, 美食\xa0")
        == keywords_of(["广\u200b州", "美食\u3000"])
        == ("广州", "美食")
    )


def test_words_of_a_line_may_have_blanks_between_them() -> None:
    assert words_of("春天 公园 春天") == ("春天", "公园", "春天")
    assert words_of("春天，公 园") == ("春天", "公 园")
    assert words_of("\ufeff春天 ") == ("春天",)
    assert words_of("['春天', '公 园']") == ("春天", "公 园")
    assert words_of(" ") == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("广州地铁今天开通，北京市民也来了", "广州"),
        ("广州很热，北京市很冷，北京市下雪", "北京市"),  # named most often
        ("北京北京北京", "北京"),
        ("北京市有北京市的地铁，北京也有", "北京市"),  # the longest of those at one place
        ("臺灣茶", "台湾"),
        ("a.b", "a.b"),
        ("axb", None),
        ("深圳", None),
        ("", None),
    ],
)
def test_the_word_of_a_list_that_a_text_names_most_often(text: str, found: str | None) -> None:
    listed = Terms(["北京", "广州", "北京市", "台湾", "a.b"], lambda word: word.replace("台湾", "臺灣"))
    assert listed.most_named(text) == found


def test_quotation_marks_around_keywords_are_none_of_theirs() -> None:
    assert keywords_of("「上海」、“电影”，【图书馆】") == ("上海", "电影", "图书馆")
    assert keywords_of("《读者》,“甲”与“乙”,「」") == ("《读者》", "“甲”与“乙”")
    assert keywords_of(["“电影”"]) == ("“电影”",)  # a list says exactly what it means
    assert words_of("「春天」 「公园」") == ("春天", "公园")


def test_words_to_avoid_that_look_like_several() -> None:
    assert several_in_one(["，", "春天", "，、", "净利润，财报", "a b"]) == ["净利润，财报"]
