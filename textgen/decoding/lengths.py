"""How many characters pieces write."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.text.length import characters
from textgen.tokenizers.base import Tokenizer


def text_length(tokenizer: Tokenizer, ids: Sequence[int]) -> int:
    """The characters of the text that pieces write; see `textgen.text.length`."""
    return characters(tokenizer.decode(list(ids)))


def piece_lengths(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, the characters of every piece on its own; 0 for specials and blanks.

    Args:
        tokenizer: Knows the pieces.
        vocab_size: Ids of the model, of which the last may be no pieces.
    """
    lengths = torch.zeros(vocab_size, dtype=torch.long)
    pieces = len(tokenizer.vocabulary.pieces)
    lengths[:pieces] = torch.tensor([text_length(tokenizer, [i]) for i in range(pieces)])
    return lengths
