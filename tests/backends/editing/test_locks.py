"""What of a text is locked, with the shipped tokenizer."""

from __future__ import annotations

from typing import Any

import pytest

from textgen.backends.editing.compose import Merged
from textgen.backends.editing.locks import held, in_order, locked_state
from textgen.backends.tokenized import token_places
from textgen.errors import DataError
from textgen.mcmc.cgmh.edits import State, Subject
from textgen.options import CorrectOptions, RewriteOptions
from textgen.options.cgmh import SourceOptions
from textgen.schema import Lock
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer
from textgen.text.model_input import as_read
from textgen.tokenizers.base import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(find_model("gpt2"))


def locked(
    text: str, tokenizer: Tokenizer, kind: type[SourceOptions] = RewriteOptions, **given: Any
) -> State:
    reading = as_read(text, emoji=True, traditional=True)
    return locked_state(reading, held(reading, kind(**given)), tokenizer, Subject())


def spans(text: str, words: list[str], tokenizer: Tokenizer) -> list[str]:
    state = locked(text, tokenizer, free="all", keep=words)
    assert tokenizer.decode(list(state.ids)) == text
    return [tokenizer.decode(list(state.ids[span.start : span.stop])) for span in state.spans]


@pytest.mark.parametrize(
    ("text", "words", "whole"),
    [
        ("今天天气很好", ["天气"], ["天气"]),
        ("好天气，好心情", ["好"], ["好", "好"]),
        ("今天天气很好", ["今天", "天气"], ["今天", "天气"]),  # side by side: there may be something between
        ("今天天气很好", ["今天天", "天气"], ["今天天气"]),  # they share a token
        ("天天天气", ["天天"], ["天天天"]),
        ("他说😀好", [], ["😀"]),  # bytes stay together, and nothing comes between them
        ("他说\n好", [], ["\n"]),
        ("我用Windows写", ["dow"], ["Windows"]),  # the token that a word is a part of
    ],
)
def test_words_bytes_and_line_breaks_are_locked(
    text: str, words: list[str], whole: list[str], tokenizer: Tokenizer
) -> None:
    assert spans(text, words, tokenizer) == whole


@pytest.mark.parametrize(
    ("text", "given", "line"),
    [
        ("今天", {"keep": "明天"}, "明天 is not in the sentence ({@keep} takes parts of it)"),
        ("水果", {"keep": "水果"}, "nothing in the text may change (keep less of it)"),
        ("😀😀", {}, "nothing in the text may change (give a sentence of ordinary text)"),
        (
            "杭州昨天",
            {},
            "nothing in the text may change (its numbers and names are locked; "
            "{@free} numbers unlocks these)",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(
    text: str, given: dict[str, Any], line: str, tokenizer: Tokenizer
) -> None:
    with pytest.raises(DataError) as caught:
        locked(text, tokenizer, **given)
    assert caught.value.line.spelled("{{@{}}}".format) == line


FACTS = "王老师昨天没买GPS。"


@pytest.mark.parametrize(
    ("kind", "given", "parts"),
    [
        (RewriteOptions, {}, ["王老师", "昨天", "没", "GPS"]),
        (RewriteOptions, {"free": ["names", "latin"]}, ["昨天", "没"]),
        (RewriteOptions, {"free": "all", "keep": "买"}, ["买"]),
        (RewriteOptions, {"keep_file": ["老师昨", "不在此"]}, ["王老师", "老师昨", "昨天", "没", "GPS"]),
        (CorrectOptions, {}, ["王老师", "昨天", "没", "GPS"]),
        (CorrectOptions, {"free": "names"}, ["昨天", "没", "GPS"]),
    ],
)
def test_facts_are_locked_by_kind(
    kind: type[SourceOptions], given: dict[str, Any], parts: list[str], tokenizer: Tokenizer
) -> None:
    reading = as_read(FACTS)
    found = held(reading, kind(**given))
    assert [one.lock(reading).text for one in found] == parts
    state = locked(FACTS, tokenizer, kind, **given)
    places = token_places(state.ids, tokenizer)
    written = {character for span in state.spans for n in span for character in places[n]}
    assert written == {character for one in found for character in one.span}


def test_locks_are_told_as_they_were_typed() -> None:
    reading = as_read("  船在臺灣😀住了３年。")
    locks = [one.lock(reading) for one in held(reading, RewriteOptions(keep=("住了",)))]
    assert locks == [
        Lock("臺灣", 4, 6, "names", "place"),
        Lock("住了", 7, 9, "keep", "keep"),
        Lock("３年", 9, 11, "numbers", "time"),
    ]


@pytest.mark.parametrize(
    ("parts", "ends"),
    [
        ([("展览", 0), ("市民", 1)], 0),
        ([("展览城", 0), ("市民", 1), ("俗", 0)], 2),  # 城市 民俗: both its ends lie inside words
        ([("市民", 1)], 0),
        ([("Linux", 1), ("系统", 0)], 0),
    ],
)
def test_ends_of_keywords_inside_longer_words_are_counted(
    parts: list[tuple[str, int]], ends: int, tokenizer: Tokenizer
) -> None:
    state = State.of([(tokenizer.encode(text), label) for text, label in parts])
    assert Merged(tokenizer).values([state]) == [ends]


def test_braces_of_a_word_are_no_option(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataError) as caught:
        locked("今天天气很好", tokenizer, keep="{@keep}")
    line = caught.value.line.spelled(lambda name: f"--{name}")
    assert line == "{@keep} is not in the sentence (--keep takes parts of it)"


@pytest.mark.parametrize(
    ("labels", "places"),
    [([], []), ([3], [0]), ([1, 2, 4], [0, 1, 2]), ([2, 3, 1], [0, 1]), ([3, 1, 2], [1, 2]), ([2, 1], [0])],
)
def test_spans_that_none_of_the_others_went_past(labels: list[int], places: list[int]) -> None:
    assert in_order(labels) == places


def test_a_word_that_is_often_misspelt_is_no_fact() -> None:
    reading = as_read("文章的未尾未写。")
    assert [one.span.start for one in held(reading, CorrectOptions())] == [5]
