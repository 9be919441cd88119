"""Which ids a task may write."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.tokenizers.base import Tokenizer, Vocabulary

LEAD_BYTES = range(0xC2, 0xF5)
# the second byte's range where it is not 80..BF (Unicode 15, table 3-7)
SECOND_BYTE = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}


def title_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for what a title may hold: text pieces on one line, and the end symbol."""
    allowed = line_ids(tokenizer, vocab_size)
    allowed[tokenizer.specials.eos] = True
    return allowed


def line_ids(tokenizer: Tokenizer, vocab_size: int, *, spaces: bool = True) -> Tensor:
    """`(vocab,)`, true for pieces of one line: no specials, line break or lone bytes, spaces if wanted."""
    vocabulary = tokenizer.vocabulary
    banned = vocabulary.byte_ids | {vocabulary.newline}
    if not spaces:
        banned |= vocabulary.spaced
    allowed = torch.zeros(vocab_size, dtype=torch.bool)
    allowed[[i for i, piece in enumerate(vocabulary.pieces) if piece and i not in banned]] = True
    return allowed


def text_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for what may begin a character anywhere in a text, and the end symbol.

    Of the bytes these are the first bytes of characters and printable ASCII; control characters would
    steer the terminal they are printed on.
    """
    vocabulary = tokenizer.vocabulary
    allowed = line_ids(tokenizer, vocab_size)
    allowed[[vocabulary.newline, tokenizer.specials.eos]] = True
    begin = {*range(0x20, 0x7F), *LEAD_BYTES}
    allowed[[i for i in vocabulary.byte_ids if vocabulary.pieces[i][0] in begin]] = True
    return allowed


@dataclass(frozen=True)
class WholeCharacters:
    """A filter that lets bytes through only as valid UTF-8, and never lets a text end inside a character.

    Args:
        vocabulary: The pieces.
        end: How many ids a row may hold, what was given to it included; no character is begun that
            could not be finished by then.
    """

    vocabulary: Vocabulary
    end: int

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        left = self.end - ids.shape[1]
        out = scores
        if left < 4:
            out = scores.clone()
            out[:, self._leads_longer_than(left)] = -torch.inf
        open_rows = [(row, tail) for row, tail in enumerate(ids[:, -3:].tolist()) if self._open(tail)]
        if open_rows and out is scores:
            out = scores.clone()
        for row, tail in open_rows:
            allowed = self._continuations(self._open(tail))
            kept = scores[row, allowed]
            out[row] = -torch.inf
            out[row, allowed] = kept
        return out

    def _open(self, tail: list[int]) -> bytes:
        """The bytes of a character that was begun and not finished; empty if there is none."""
        for length in (1, 2, 3):
            if length > len(tail) or tail[-length] not in self.vocabulary.byte_ids:
                return b""
            held = b"".join(self.vocabulary.pieces[i] for i in tail[-length:])
            if held[0] in LEAD_BYTES:
                return held if length < character_length(held[0]) else b""
        return b""

    def _continuations(self, held: bytes) -> list[int]:
        least, most = SECOND_BYTE.get(held[0], (0x80, 0xBF)) if len(held) == 1 else (0x80, 0xBF)
        return [i for i in self.vocabulary.byte_ids if least <= self.vocabulary.pieces[i][0] <= most]

    def _leads_longer_than(self, left: int) -> list[int]:
        pieces = self.vocabulary.pieces
        leads = (i for i in self.vocabulary.byte_ids if pieces[i][0] in LEAD_BYTES)
        return [i for i in leads if character_length(pieces[i][0]) > left]


def character_length(lead: int) -> int:
    """How many bytes a character has that begins with this one."""
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
