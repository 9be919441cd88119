"""The ids that a task may write."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.tokenizers.base import Tokenizer, Vocabulary, present

LEAD_BYTES = range(0xC2, 0xF5)
CONTINUATIONS = range(0x80, 0xC0)
# the second byte's range where it is not 80..BF (Unicode 15, table 3-7); U+0080..009F are controls
SECOND_BYTE = {
    0xC2: (0xA0, 0xBF),
    0xE0: (0xA0, 0xBF),
    0xED: (0x80, 0x9F),
    0xF0: (0x90, 0xBF),
    0xF4: (0x80, 0x8F),
}


def title_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for what a title may hold: text tokens on one line, and the end symbol."""
    allowed = line_ids(tokenizer, vocab_size)
    allowed[present(tokenizer.specials.eos)] = True
    return allowed


def line_ids(tokenizer: Tokenizer, vocab_size: int, *, spaces: bool = True) -> Tensor:
    """`(vocab,)`, true for tokens of one line: no specials, line break or lone bytes, spaces if wanted."""
    vocabulary = tokenizer.vocabulary
    banned = vocabulary.byte_ids | {vocabulary.newline}
    if not spaces:
        banned |= vocabulary.spaced
    allowed = torch.zeros(vocab_size, dtype=torch.bool)
    allowed[[i for i, piece in enumerate(vocabulary.pieces) if piece and i not in banned]] = True
    return allowed


def text_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for what a text may hold, and the end symbol.

    Of the bytes these are printable ASCII and those of longer characters, which `WholeCharacters` keeps
    in order; control characters would steer the terminal they are printed on.
    """
    vocabulary = tokenizer.vocabulary
    allowed = line_ids(tokenizer, vocab_size)
    allowed[present(vocabulary.newline, tokenizer.specials.eos)] = True
    wanted = {*range(0x20, 0x7F), *CONTINUATIONS, *LEAD_BYTES}
    allowed[[i for i in vocabulary.byte_ids if vocabulary.pieces[i][0] in wanted]] = True
    return allowed


def punctuation_ids(vocabulary: Vocabulary) -> frozenset[int]:
    """Ids of tokens without a letter, a digit or a Chinese character: marks, spaces, the line break.

    Lone bytes are none: a byte alone says nothing of its character.
    """
    return frozenset(
        i
        for i, piece in enumerate(vocabulary.pieces)
        if piece and i not in vocabulary.byte_ids
        # U+FFFD stands for a part of a character, which may be a letter
        if not any(mark.isalnum() or mark == "\ufffd" for mark in piece.decode("utf-8", "replace"))
    )


def continuation_ids(vocabulary: Vocabulary) -> frozenset[int]:
    """Ids of the bytes that go on with a character: a text may not be cut before one."""
    return frozenset(i for i in vocabulary.byte_ids if vocabulary.pieces[i][0] in CONTINUATIONS)


@dataclass(frozen=True)
class WholeCharacters:
    """A filter that lets bytes through only as valid UTF-8, and never lets a text end inside a character.

    Args:
        vocabulary: The tokens.
        end: How many ids a row may hold, what was given to it included; no character is begun that
            could not be finished by then.
    """

    vocabulary: Vocabulary
    end: int

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        out = scores.clone()
        out[:, self._begin_nothing(self.end - ids.shape[1])] = -torch.inf
        for row, tail in enumerate(ids[:, -3:].tolist()):
            if held := self._open(tail):
                allowed = self._continuations(held)
                out[row] = -torch.inf
                out[row, allowed] = scores[row, allowed]
        return out

    def _open(self, tail: list[int]) -> bytes:
        """The bytes of a character that was begun and not finished; empty if there is none."""
        held = b""
        for i in reversed(tail):
            if i not in self.vocabulary.byte_ids:
                break
            held = self.vocabulary.pieces[i] + held
        return unfinished(held)

    def _continuations(self, held: bytes) -> list[int]:
        wanted = following_bytes(held)
        return [i for i in self.vocabulary.byte_ids if self.vocabulary.pieces[i][0] in wanted]

    def _begin_nothing(self, left: int) -> list[int]:
        """Bytes that begin no character, or one of more than `left` bytes."""
        values = {i: self.vocabulary.pieces[i][0] for i in self.vocabulary.byte_ids}
        return [
            i
            for i, byte in values.items()
            if byte in CONTINUATIONS or (byte in LEAD_BYTES and character_length(byte) > left)
        ]


def character_length(lead: int) -> int:
    """Bytes of a character that begins with this one."""
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def unfinished(text: bytes) -> bytes:
    """The bytes at the end of a UTF-8 text that begin a character and do not finish it; empty if none do."""
    for length in range(1, min(3, len(text)) + 1):
        if text[-length] in LEAD_BYTES:
            return text[-length:] if length < character_length(text[-length]) else b""
    return b""


def following_bytes(held: bytes) -> range:
    """The bytes that may come next in a character that begins so; `held` is of `unfinished`, not empty."""
    least, most = SECOND_BYTE.get(held[0], (0x80, 0xBF)) if len(held) == 1 else (0x80, 0xBF)
    return range(least, most + 1)
