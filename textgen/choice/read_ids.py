"""The ids that a tokenizer, or another one, reads back from what they write."""

from __future__ import annotations

import torch
from torch import Tensor

from textgen.tokenizers.base import Tokenizer
from textgen.tokenizers.spacing import is_unspaced


def own_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for ids that the tokenizer may read in a text.

    False for those that write Chinese as what goes on with a word (`##中`), or a word that it divides: no
    text has them, so a model learnt nothing of them. A tokenizer that loses nothing may read all.
    """
    found = torch.ones(vocab_size, dtype=torch.bool)
    if not tokenizer.lossless:
        for i, text in _written(tokenizer).items():
            found[i] = not is_unspaced(text[0]) or i in tokenizer.encode(text)
    return found


def ids_read_by(reader: Tokenizer, tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for ids whose text another tokenizer reads, and nothing of it is lost.

    Blanks, say, are nothing to many: a text would have more of them, and be judged as if it had none.
    """
    found = torch.ones(vocab_size, dtype=torch.bool)
    if not reader.lossless:
        for i, text in _written(tokenizer).items():
            found[i] = bool(reader.encode(text)) and not reader.lost(text)
    return found


def _written(tokenizer: Tokenizer) -> dict[int, str]:
    """The texts of the tokens that write whole characters, by their ids."""
    vocabulary = tokenizer.vocabulary
    pieces = enumerate(vocabulary.pieces)
    return {i: piece.decode() for i, piece in pieces if piece and i not in vocabulary.byte_ids}
