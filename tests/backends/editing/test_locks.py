"""What of a text is locked, with the shipped tokenizer."""

from __future__ import annotations

import pytest

from textgen.backends.editing.compose import Merged
from textgen.backends.editing.locks import locked_state
from textgen.errors import DataError
from textgen.mcmc.cgmh.edits import State, Subject
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer
from textgen.text.model_input import as_read
from textgen.tokenizers.base import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(find_model("gpt2"))


def spans(text: str, words: list[str], tokenizer: Tokenizer) -> list[str]:
    state = locked_state(as_read(text, emoji=True, traditional=True), words, tokenizer, Subject())
    assert tokenizer.decode(list(state.ids)) == text
    return [tokenizer.decode(list(state.ids[span.start : span.stop])) for span in state.spans]


@pytest.mark.parametrize(
    ("text", "words", "locked"),
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
    text: str, words: list[str], locked: list[str], tokenizer: Tokenizer
) -> None:
    assert spans(text, words, tokenizer) == locked


@pytest.mark.parametrize(
    ("text", "words", "reason"),
    [("今天", ["明天"], "明天 is not in"), ("今天", ["今天"], "nothing"), ("😀😀", [], "nothing")],
)
def test_what_cannot_be_kept_is_refused(
    text: str, words: list[str], reason: str, tokenizer: Tokenizer
) -> None:
    with pytest.raises(DataError, match=reason):
        locked_state(as_read(text, emoji=True, traditional=True), words, tokenizer, Subject())


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
        locked_state(as_read("今天天气很好", emoji=True, traditional=True), ["{@keep}"], tokenizer, Subject())
    line = caught.value.line.spelled(lambda name: f"--{name}")
    assert line == "{@keep} is not in the sentence (--keep takes parts of it)"
