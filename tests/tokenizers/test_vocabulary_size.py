"""The size of a vocabulary: what fits into it, what is refused, and what a user is told of coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trained_tokenizers import KINDS, Kind, corpus, plan_of, train, written

from textgen.errors import UsageError
from textgen.options import parse
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.training import TrainedTokenizer, train_tokenizer


def test_char_obeys_the_number_of_latin_pieces(tmp_path: Path) -> None:
    for most in (0, 7):
        tokenizer = train(tmp_path, list(corpus()), plan_of(latin_pieces=most))
        assert sum(len(piece) > 1 for piece in written(tokenizer)) == most


def test_a_short_vocabulary_holds_the_most_frequent_characters(tmp_path: Path) -> None:
    tokenizer = train(tmp_path, ["甲甲甲乙乙丙"], plan_of(vocab_size=273 + 3))
    assert written(tokenizer) == ["甲", "乙", " "]
    assert tokenizer.encode("丙") == [17 + byte for byte in "丙".encode()]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_at_most_half_of_what_is_learnt_are_characters(tmp_path: Path, kind: Kind) -> None:
    out = train_tokenizer(corpus(), tmp_path / "new.model", plan_of(kind, vocab_size=313))
    assert out.alphabet == 20
    assert 303 <= out.pieces <= 313


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_text_gives_the_pieces_it_has(tmp_path: Path, kind: Kind) -> None:
    out = train_tokenizer(["中文\n"], tmp_path / "new.model", plan_of(kind))
    assert out == TrainedTokenizer(tmp_path / "new.model", out.pieces, 3, 1, 3, 1.0)
    assert 276 <= out.pieces <= 277  # the space, two characters, perhaps both of them
    assert len(SentencePieceTokenizer(out.path).vocabulary) == out.pieces


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"kind": "word"}, "kind word: should be 'char', 'unigram' or 'bpe' (see help for kind)"),
        ({"min_count": 0}, "min_count 0: should be at least 1 (see help for min_count)"),
        (
            {"latin_pieces": -1},
            "latin_pieces -1: should be at least 0 (see help for latin_pieces)",
        ),
        (
            {"max_sentences": 0},
            "max_sentences 0: should be at least 1 (see help for max_sentences)",
        ),
        (
            {"vocab_size": 274},
            "vocab_size 274 leaves no room for characters "
            "(give 275, and 1 more for every character of the texts but two)",
        ),
        (
            {"kind": "bpe", "vocab_size": 276},
            "vocab_size 276 leaves no room for characters "
            "(give 277, and 2 more for every character of the texts but two)",
        ),
    ],
)
def test_a_plan_that_cannot_be(tmp_path: Path, options: dict[str, object], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        train_tokenizer(corpus(), tmp_path / "new.model", parse(TokenizerTrainOptions, options))
    assert caught.value.line == line


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_vocabulary(tmp_path: Path, kind: Kind) -> None:
    size = 275 if kind == "char" else 277
    tokenizer = train(tmp_path, ["甲乙甲"], plan_of(kind, vocab_size=size))
    assert set(written(tokenizer)) == {" ", "甲"}


def test_room_is_kept_only_for_the_latin_words_that_there_are(tmp_path: Path) -> None:
    chinese = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    plan = plan_of(vocab_size=273 + 1 + 300)
    assert set(written(train(tmp_path, [chinese], plan))) == {" ", *chinese}
    mixed = written(train(tmp_path, [chinese, "Ubuntu " * 20], plan))
    assert len(mixed) == 301
    assert "Ubuntu" in mixed


@pytest.mark.parametrize(
    ("texts", "options", "told"),
    [
        (["甲甲甲甲甲甲甲乙乙丙"], {"vocab_size": 275}, "70 %|vocab_size 277 covers 99 %"),
        (["甲甲甲甲甲甲甲乙乙丙"], {"vocab_size": 278, "kind": "bpe"}, "70 %|vocab_size 281 covers 99 %"),
        (["甲甲甲甲甲甲甲乙乙丙"], {"min_count": 2}, "90 %|a smaller min_count covers more"),
        (["甲乙丙\u200b"], {}, "75 %|clean the texts of invisible ones"),
        (["甲甲甲甲甲甲甲乙乙丙"], {"vocab_size": 281}, None),
    ],
)
def test_low_coverage_is_told_with_what_to_do(
    tmp_path: Path, texts: list[str], options: dict[str, Any], told: str | None
) -> None:
    notes: list[Any] = []
    out = train_tokenizer(texts, tmp_path / "new.model", parse(TokenizerTrainOptions, options), notes.append)
    if told is None:
        assert notes == []
        assert out.covered == 1
        return
    share, remedy = told.split("|")
    [note] = notes
    wanted = f"warning: {share} of the characters have a token, and the others are bytes: {remedy}"
    assert note.text == wanted


def test_a_vocabulary_filled_by_latin_words_is_told_the_size_that_suffices(tmp_path: Path) -> None:
    texts = ["甲乙 " + " ".join(f"{first}{second}x" for first in "abcdefghij" for second in "abcdefghij")]
    with pytest.raises(UsageError) as caught:
        train_tokenizer(texts, tmp_path / "new.model", plan_of(vocab_size=300))
    assert caught.value.line == (
        "vocab_size 300 leaves no room for characters beside 100 Latin sub-words "
        "(give 385, or fewer latin_pieces)"  # for the space, x, and ten letters
    )
    notes: list[Any] = []
    train_tokenizer(texts, tmp_path / "new.model", plan_of(vocab_size=384), notes.append)
    assert len(notes) == 1
    train_tokenizer(texts, tmp_path / "new.model", plan_of(vocab_size=385), notes.append)
    assert len(notes) == 1
