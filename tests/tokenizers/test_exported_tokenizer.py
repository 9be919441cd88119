"""The tokenizer that is written for transformers gives our ids."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strange_texts import TEXTS
from tokenizers import Tokenizer

from textgen.resources import models_dir
from textgen.tokenizers.export import build_tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

EMBEDDED = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
EVALUATION = Path(__file__).parents[2].parent / "shared" / "data" / "eval"


@cache
def their_tokenizer() -> Tokenizer:
    tokenizer = build_tokenizer(EMBEDDED.path, (6, 5))
    tokenizer.encode_special_tokens = True
    return tokenizer


@pytest.mark.skipif(not EVALUATION.is_dir(), reason="no evaluation texts beside the checkout")
def test_their_tokenizer_gives_our_ids_on_all_evaluation_texts(tmp_path: Path) -> None:
    build_tokenizer(EMBEDDED.path, (6, 5)).save(str(tmp_path / "tokenizer.json"))
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = [
        row[field]
        for file in sorted(EVALUATION.glob("*.jsonl"))
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
        for field in ("title", "text")
        if field in row
    ]
    assert len(texts) > 2500
    different = [
        text
        for text, encoding in zip(texts, theirs.encode_batch(texts, add_special_tokens=False), strict=True)
        if encoding.ids != EMBEDDED.encode(text)
    ]
    assert different == []


@given(st.lists(st.sampled_from(TEXTS) | st.text(st.characters(codec="utf-8", exclude_characters="\u2581"))))
@example(["<s>删除线</s>", "<mask><pad>", "<0x0A><unk>"])
def test_their_tokenizer_gives_our_ids_on_any_text(parts: list[str]) -> None:
    """But for U+2581, which is a space to them, and for the names of specials, unless told to split them."""
    theirs, text = their_tokenizer(), "".join(parts)
    ids = EMBEDDED.encode(text)
    assert theirs.encode(text, add_special_tokens=False).ids == ids
    assert theirs.decode(ids) == text
