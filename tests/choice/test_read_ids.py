"""Tokens that no text has, and tokens of one vocabulary that another does not read."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoints import BERT_SYMBOLS, vocabulary, write_vocabulary

from textgen.choice.read_ids import ids_read_by, own_ids
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer
from textgen.tokenizers.base import Specials, Tokenizer
from textgen.tokenizers.wordpiece import WordPieceTokenizer
from textgen.tokenizers.words import WordTokenizer

SPECIALS = Specials(pad=0, bos=2, eos=3, mask=4, sep=3, cls=2)
EXTRA = ("##天", "天气", "##天气", "A", "##℃", "が")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary")
    write_vocabulary(folder, vocabulary(*EXTRA))
    return folder / "vocab.txt"


def without(tokens: list[str], found: list[bool]) -> set[str]:
    return {token for token, read in zip(tokens, found, strict=True) if not read}


def test_characters_that_go_on_with_words_are_in_no_text(file: Path) -> None:
    tokens = vocabulary(*EXTRA)
    bert = WordPieceTokenizer(file, SPECIALS, lower_case=True)
    found = own_ids(bert, len(tokens)).tolist()
    # が is read as か and a mark, which a vocabulary of small letters takes off
    assert without(tokens, found) == {"##天", "天气", "##天气", "が"}
    words = WordTokenizer(file, SPECIALS, lower_case=False)
    assert without(tokens, own_ids(words, len(tokens)).tolist()) == {"##天", "##天气"}


def test_what_loses_nothing_reads_all() -> None:
    tokenizer: Tokenizer = load_tokenizer(find_model("gpt2"))
    assert own_ids(tokenizer, 8200).all()


def test_tokens_that_another_vocabulary_does_not_read(file: Path) -> None:
    reader = WordPieceTokenizer(file, SPECIALS, lower_case=True)
    writer = load_tokenizer(find_model("gpt2"))
    found = ids_read_by(reader, writer, len(writer.vocabulary))
    vocabulary_of = writer.vocabulary
    ids = {piece: i for i, piece in enumerate(vocabulary_of.pieces) if i not in vocabulary_of.byte_ids}
    for text, read in {"天": True, "，": True, "雪": False, " ": False}.items():
        assert bool(found[ids[text.encode()]]) is read, text
    assert ids_read_by(writer, reader, len(BERT_SYMBOLS)).all()
