"""The number of characters that every token writes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.choice.allowed import CONTINUATIONS
from textgen.text.length import characters
from textgen.tokenizers.base import Tokenizer, Vocabulary


def text_length(tokenizer: Tokenizer, ids: Sequence[int]) -> int:
    """The characters of the text that tokens write; see `textgen.text.length`."""
    return characters(tokenizer.decode(list(ids)))


def token_lengths(vocabulary: Vocabulary, vocab_size: int) -> Tensor:
    """How many characters each token adds to a text, `(vocab,)`; a byte adds one if it begins a character.

    Args:
        vocabulary: The tokens.
        vocab_size: Ids of the model, of which the last may be no tokens.
    """
    found = torch.zeros(vocab_size, dtype=torch.long)
    for i, piece in enumerate(vocabulary.pieces):
        if i in vocabulary.byte_ids:
            found[i] = 0 if piece[0] in CONTINUATIONS else characters(chr(piece[0]))
        else:
            found[i] = characters(piece.decode("utf-8", "replace"))
    return found
