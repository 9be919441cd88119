"""The scripts that a vocabulary writes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from foreign_vocabularies import BERT_SPECIALS, LLAMA_SPECIALS, bert_tokens, bert_vocabulary, llama_model

from textgen.text.common_characters import SIMPLIFIED, TRADITIONAL
from textgen.tokenizers.raw_sentencepiece import SentencePieceModelTokenizer
from textgen.tokenizers.scripts import scripts_of
from textgen.tokenizers.wordpiece import WordPieceTokenizer

BOTH = {"simplified", "traditional"}


@pytest.mark.parametrize(
    ("characters", "scripts"),
    [
        (SIMPLIFIED, {"simplified"}),
        (TRADITIONAL, {"traditional"}),
        (SIMPLIFIED + TRADITIONAL, BOTH),
        (SIMPLIFIED + TRADITIONAL[:60], BOTH),
        (SIMPLIFIED + TRADITIONAL[:20], {"simplified"}),
        (SIMPLIFIED[:20], BOTH),  # it writes all of them in parts, or none
    ],
)
def test_of_a_vocabulary_of_bert(tmp_path: Path, characters: str, scripts: set[str]) -> None:
    file = bert_vocabulary(tmp_path, [*dict.fromkeys([*bert_tokens(), *characters])])
    tokenizer = WordPieceTokenizer(file, BERT_SPECIALS, lower_case=True)
    assert scripts_of(tokenizer.vocabulary) == scripts


def test_bytes_write_everything_but_are_not_what_a_model_knows(tmp_path: Path) -> None:
    """A model whose vocabulary cuts all traditional characters into bytes has hardly seen any."""
    text = ["".join(SIMPLIFIED[at : at + 44]) for at in (0, 44)]
    options: dict[str, Any] = {"sentence_iterator": iter(text * 8)}
    tokenizer = SentencePieceModelTokenizer(llama_model(tmp_path / "m", **options), LLAMA_SPECIALS)
    assert not tokenizer.lost(TRADITIONAL)
    assert scripts_of(tokenizer.vocabulary) == {"simplified"}


def test_a_vocabulary_of_bytes_alone_is_of_no_script() -> None:
    vocabulary: Any = SimpleNamespace(pieces=tuple(bytes([n]) for n in range(256)))
    assert scripts_of(vocabulary) == BOTH
