"""Texts that continue nothing begin as texts do."""

from __future__ import annotations

import torch

from textgen.choice.opening import Opening, closing_ids
from textgen.resources import models_dir
from textgen.tokenizers.base import Vocabulary
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

PIECES = tuple(map(str.encode, ("", "", "春", "。", "的", "的确", "》说", "《", " a", "\n", "，但")))
START, NOT_FIRST = 1, [3, 4, 6, 9, 10]


def test_only_behind_the_start_symbol() -> None:
    opening = Opening(closing_ids(Vocabulary(PIECES, frozenset(), 9, frozenset()), 12), START)
    scores = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))
    ids = torch.tensor([[0, START], [START, 2], [START, START]])
    out = opening(ids, scores)
    assert torch.equal(out[1], scores[1])
    for row in (0, 2):
        assert out[row].isinf().nonzero()[:, 0].tolist() == NOT_FIRST
        kept = ~out[row].isinf()
        assert torch.equal(out[row][kept], scores[row][kept])


def test_pieces_of_the_shipped_vocabulary() -> None:
    tokenizer = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
    closing = closing_ids(tokenizer.vocabulary, 8192)
    for text, banned in {"。": True, "，": True, "》": True, "《": False, "春": False, "“": False}.items():
        assert bool(closing[tokenizer.encode(text)[0]]) == banned
    assert not closing[tokenizer.specials.eos]
