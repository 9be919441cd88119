"""The first token of texts that continue nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.choice.filters import BANNED
from textgen.tokenizers.base import Vocabulary

# what no line begins with by the rules of Chinese typesetting, and particles that lean on what comes before
_CLOSING = "。，、；：？！）》〉」』】〕”’…—～·％.,;:?!)]}%~-_/|*&@^=+<>"
_LEANING = "的了着们吗呢吧"


def closing_ids(vocabulary: Vocabulary, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for tokens with which no text begins: closing marks, particles, white space alone."""
    found = torch.zeros(vocab_size, dtype=torch.bool)
    for i, piece in enumerate(vocabulary.pieces):
        text = piece.decode("utf-8", "ignore")
        # words of other languages may bring the space before them along
        found[i] = bool(text) and (text[0] in _CLOSING or text.isspace() or text in _LEANING)
    return found


@dataclass(frozen=True)
class Opening:
    """A filter that keeps texts without a prompt from beginning as if something came before them.

    A model that learned from the middle of texts, too, may well write 。 first.

    Attributes:
        closing: `(vocab,)`, from `closing_ids`.
        start: The start symbol: what a text without a prompt begins behind.
    """

    closing: Tensor
    start: int

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        return scores.masked_fill((ids[:, -1:] == self.start) & self.closing, BANNED)
