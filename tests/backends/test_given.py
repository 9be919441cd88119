"""Rows from Python: keywords split as elsewhere, and a wrong row that costs no other."""

from __future__ import annotations

from typing import Any

import pytest

import textgen
from textgen.backends.given import given_rows
from textgen.errors import UsageError
from textgen.options import ComposeOptions, ContinueOptions, GibbsOptions, TitleOptions, parse
from textgen.schema import Row


def only(given: Any) -> Row:
    [row] = given_rows([given])
    return row


@pytest.mark.parametrize(
    ("given", "keywords"),
    [
        ("图书馆,市民", ("图书馆", "市民")),
        ("春天", ("春天",)),
        ("['广州' '美食']", ("广州", "美食")),
        (None, ()),
        ("", ()),
        (["广州，市", "美食"], ["广州，市", "美食"]),  # a list is taken word by word
        (("广州",), ("广州",)),
    ],
)
def test_keywords_of_a_string_are_split_as_in_files(given: Any, keywords: Any) -> None:
    assert only(Row("好", keywords=given)) == Row("好", keywords=keywords)


@pytest.mark.parametrize(
    ("given", "name", "error"),
    [
        (None, "1", "NoneType is not text"),
        (3, "1", "int is not text"),
        (Row(None), "1", "NoneType is not text"),  # type: ignore[arg-type]
        (Row(3, name="a"), "a", "int is not text"),  # type: ignore[arg-type]
        (Row("好", id=5, name=7), "1", "name is of type int (it must be text)"),  # type: ignore[arg-type]
        (Row("好", id=5), "1", "id is of type int (it must be text)"),  # type: ignore[arg-type]
        (Row("好", fields=5), "1", "fields is of type int (it must be a dictionary)"),  # type: ignore[arg-type]
        (
            Row("好", name="b", keywords=5),  # type: ignore[arg-type]
            "b",
            "keywords must be text, not int (a list of strings, or one string such as 广州,地铁)",
        ),
        (
            Row("好", keywords=[5]),  # type: ignore[list-item]
            "1",
            "a keyword must be text, not int (put quotes around each keyword)",
        ),
    ],
)
def test_what_is_no_row_is_one_with_an_error(given: Any, name: str, error: str) -> None:
    assert only(given) == Row("", name=name, error=error)


@pytest.mark.parametrize("given", [None, 5, b"abc", {"text": "好"}])
def test_what_is_no_list_is_refused(given: Any) -> None:
    with pytest.raises(UsageError) as caught:
        given_rows(given)
    kind = type(given).__name__
    assert caught.value.message == f"{kind} is neither a text nor a list of texts"
    assert caught.value.hint == "give a text, a Row, or a list of them"


@pytest.mark.parametrize(
    "call",
    [
        lambda: textgen.load(3),  # type: ignore[arg-type]
        lambda: textgen.load(None),  # type: ignore[arg-type]
        lambda: textgen.run_batch("title", None, "o.jsonl"),  # type: ignore[arg-type]
        lambda: textgen.run_batch("title", 5, "o.jsonl"),  # type: ignore[arg-type]
        lambda: textgen.run_batch("title", [], "o.jsonl"),
        lambda: textgen.run_batch(["title"], "a.txt", "o.jsonl"),  # type: ignore[arg-type]
    ],
)
def test_values_of_another_type_are_refused_in_a_line(call: Any) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.hint


@pytest.mark.parametrize("kind", [TitleOptions, ContinueOptions])
def test_none_is_an_empty_list(kind: Any) -> None:
    assert parse(kind, {"one_of": None, "keyword": None, "avoid": []}) == parse(kind, {})
    assert parse(ComposeOptions, {"keyword": None}).keyword == ()
    assert parse(GibbsOptions, {"keep": None}).keep == ()
