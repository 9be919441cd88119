"""Lengths of texts in characters: what every token adds, and a filter that keeps texts within a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from textgen.choice.allowed import CONTINUATIONS
from textgen.choice.filters import BANNED
from textgen.text.length import characters
from textgen.tokenizers.base import Tokenizer, Vocabulary

# Where the model would end less often than this, a text is in the middle of a phrase.
LEAST_END = 0.01


def text_length(tokenizer: Tokenizer, ids: Sequence[int]) -> int:
    """The characters of the text that tokens write; see `textgen.text.length`."""
    return characters(tokenizer.decode(list(ids)))


def token_lengths(vocabulary: Vocabulary, vocab_size: int) -> Tensor:
    """Characters that each token adds to a text, `(vocab,)`; one counts where its first byte is written.

    Args:
        vocabulary: The tokens.
        vocab_size: Ids of the model, of which the last may be no tokens.
    """
    byte_ids, inside = vocabulary.byte_ids, bytes(CONTINUATIONS)
    begun = (piece.lstrip(inside) if i in byte_ids else piece for i, piece in enumerate(vocabulary.pieces))
    sizes = [characters(piece.decode("utf-8", "replace")) for piece in begun]
    return torch.tensor(sizes + [0] * (vocab_size - len(sizes)))


@dataclass(frozen=True)
class Within:
    """A filter that lets texts end only with a number of characters, and never grow longer.

    A text that is as long as it may be and that the model would not end there has nowhere to go: it is
    dropped, not cut. So what is found was meant to be that long.

    Attributes:
        lengths: Characters of each token, `(vocab,)`, from `token_lengths`.
        least: Fewest characters.
        most: Most characters.
        eos: The end symbol.
        given: How many columns of `ids` come before what is written.
    """

    lengths: Tensor
    least: int
    most: int
    eos: int
    given: int

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        written = self.lengths[ids[:, self.given :]].sum(-1, keepdim=True)
        # behind a full text spaces would count for nothing, and come for ever
        out = scores.masked_fill((written + self.lengths > self.most) | (written >= self.most), BANNED)
        ends = (written[:, 0] >= self.least) & (scores[:, self.eos] >= log(LEAST_END))
        out[:, self.eos] = scores[:, self.eos].masked_fill(~ends, BANNED)
        return out
