"""What compose, rewrite, correct and fill refuse: impossible rows, and options that exclude each other."""

from __future__ import annotations

from typing import Any

import pytest

import textgen
from textgen.schema import Row

SENTENCE = "他昨天在图书馆看了一整天的书。"


def test_where_no_chain_ends_at_a_text_the_row_is_an_error_and_says_so(editors: dict[str, Any]) -> None:
    rows = [Row(SENTENCE, "far"), Row(SENTENCE[:-1], "also")]
    dear = {"change_weight": 0.0, "distance": 1000.0, "paraphrase": 0}  # any other text, that is
    records = editors["rewrite"].generate(rows, steps=1, seed=1, method="mh", **dear)
    assert [record.id for record in records] == ["far", "also"]
    assert all("no other text" in r.error and "chains: 4, steps of each: 1" in r.error for r in records)


@pytest.mark.parametrize(
    ("command", "row", "options", "reason"),
    [
        ("compose", Row("", "1"), {}, "no keywords"),
        ("compose", Row("", "1", keywords=("广州美食节", "开幕式")), {"length": "4-6"}, "8 characters"),
        ("compose", Row("一句话", "1", keywords=("一",)), {}, "no text"),
        ("rewrite", Row(" \n ", "1"), {}, "empty"),
        ("rewrite", Row(SENTENCE, "1"), {"keep": "公园"}, "公园"),
        ("rewrite", Row(SENTENCE, "1"), {"keep": SENTENCE}, "nothing"),
        ("rewrite", Row(SENTENCE * 40, "1"), {}, "600 tokens"),
        ("rewrite", Row(SENTENCE, "1"), {"length": "30-40"}, "no other text"),  # and no token is drawn
        ("correct", Row("", "1"), {}, "empty"),
        ("fill", Row("没有空", "1"), {}, "no blank"),
        ("fill", Row("___", "1"), {}, "nothing but blanks"),
        ("fill", Row((SENTENCE * 34)[:509] + "___好___", "1"), {}, "512 tokens"),
        ("fill", Row("今天___", "1", keywords=("好",)), {}, "keywords"),
        ("rewrite", Row(SENTENCE, "1", keywords=("好",)), {}, "keywords"),
        ("rewrite", Row(SENTENCE, "1"), {"keep": "一整天的书", "length": "1-4"}, "8 characters"),
        ("rewrite", Row(SENTENCE * 40, "1"), {"proposals": "gpt2"}, "at most 510"),
        ("compose", Row("", "1", keywords=("春\t天",)), {}, "cannot be written"),
        ("compose", Row("", "1", keywords=("春天\n秋天",)), {}, "line break"),
        ("compose", Row("", "1", keywords=(" ", "")), {}, "no keywords"),
    ],
)
def test_what_is_impossible_is_said(
    editors: dict[str, Any], command: str, row: Row, options: dict[str, Any], reason: str
) -> None:
    [record] = editors[command].generate([row], steps=1, seed=1, **options)
    assert reason in record.error
    assert not record.candidates


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"length": "9-3"}, "it ends below its beginning"),
        ({"chains": 1, "num_candidates": 2}, "chains"),
        ({"method": "mh", "anneal": "1:0.5"}, "anneal"),
        ({"anneal": "0.1:0.5"}, "must not rise"),
        ({"candidates": 8, "top_k": 5}, "top_k"),
        ({"proposals": "nothing"}, "no model nothing"),
        ({"steps": 0}, "steps"),
        ({"beams": 3}, "beams"),
        ({"length": "600-700"}, "more than the models read"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    editors: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(textgen.UsageError, match=reason):
        editors["compose"].generate([Row("", name="1", keywords=("春天",))], **options)


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", 1), ("top_k", 5), ("epsilon", 0), ("candidates", 8)]
)
def test_how_tokens_are_drawn_is_asked_for_only_where_any_are(
    editors: dict[str, Any], name: str, value: int
) -> None:
    for command, reason in (("rewrite", f"{name} needs paraphrase"), ("correct", f"{name} needs steps")):
        with pytest.raises(textgen.UsageError, match=reason):
            editors[command].generate([SENTENCE], **{name: value})


def test_a_correction_without_steps_draws_nothing(editors: dict[str, Any]) -> None:
    [record] = editors["correct"].generate([SENTENCE], length="30-40")
    assert "no text was found" in record.error
    with pytest.raises(textgen.UsageError, match="chains needs steps"):
        editors["correct"].generate([SENTENCE], chains=3)
