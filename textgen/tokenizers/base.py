"""The protocol of tokenizers, and the facts of a vocabulary that decoders need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Specials:
    """Ids of the symbols that mark structure and never stand for text."""

    pad: int
    bos: int
    eos: int
    mask: int
    sep: int
    cls: int
    l2r: int
    r2l: int


@dataclass(frozen=True)
class Vocabulary:
    """The tokens as bytes, by id.

    Attributes:
        pieces: What each id writes; empty for specials and for ids that write nothing.
        byte_ids: Ids that write one byte each, for characters without a token of their own.
        newline: The id of the line break.
        spaced: Ids whose token holds a space.
    """

    pieces: tuple[bytes, ...]
    byte_ids: frozenset[int]
    newline: int
    spaced: frozenset[int]

    def __len__(self) -> int:
        return len(self.pieces)


class Tokenizer(Protocol):
    """Text to ids and back, without loss: `decode(encode(text)) == text`."""

    specials: Specials
    vocabulary: Vocabulary

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials. Raises DataError for text that is no valid Unicode."""

    def decode(self, ids: list[int]) -> str:
        """Text of the ids; specials write nothing, broken UTF-8 becomes U+FFFD."""
