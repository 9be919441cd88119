"""The protocol of tokenizers, and the facts of a vocabulary that decoders need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

BEFORE = "。"  # joins nothing behind it: what stands behind it is read as within a text
ABSENT = -1  # in place of the id of a symbol that a model does not have


def present(*ids: int) -> list[int]:
    """Those of the ids that a model has; as an index `ABSENT` would be the last id."""
    return [i for i in ids if i != ABSENT]


@dataclass(frozen=True)
class Specials:
    """Ids of the symbols that mark structure and never stand for text; `ABSENT` where a model has none.

    Attributes:
        pad: Stands behind texts that are shorter than others. Every model has an id for it.
        bos: What a text begins behind, where it is written from left to right.
        eos: The end of a text.
        mask: A place to be filled.
        sep: The end of what is read from both sides.
        cls: The beginning of what is read from both sides.
        l2r: What a title begins behind.
        r2l: What a title that is written from its end begins behind.
    """

    pad: int
    bos: int = ABSENT
    eos: int = ABSENT
    mask: int = ABSENT
    sep: int = ABSENT
    cls: int = ABSENT
    l2r: int = ABSENT
    r2l: int = ABSENT


@dataclass(frozen=True)
class Vocabulary:
    """The tokens as bytes, by id.

    Attributes:
        pieces: What each id writes; empty for specials and for ids that write nothing.
        byte_ids: Ids that write a part of a character: one byte of it, or, in vocabularies of runs of bytes,
            a run that does not begin or end with whole characters.
        newline: The id of the line break; `ABSENT` if texts are single lines.
        spaced: Ids whose token holds a space.
        respaced: Whether a rule puts spaces into texts, or takes them out: then those of a text are not
            those of its tokens.
        wordless: Ids that write nothing and yet belong to texts, such as the beginning of a word.
    """

    pieces: tuple[bytes, ...]
    byte_ids: frozenset[int]
    newline: int
    spaced: frozenset[int]
    respaced: bool = False
    wordless: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.pieces)

    def __hash__(self) -> int:
        # of every token it would take longer than what is remembered by it saves
        return hash((len(self.pieces), len(self.byte_ids), self.newline, self.pieces[-1:]))


class Detokenizer(Protocol):
    """Turns ids into text as they come, holding back what the next may still change."""

    def push(self, token: int) -> str:
        """The text that is certain with this id."""


class Tokenizer(Protocol):
    """Text to ids and back.

    Attributes:
        lossless: Whether `decode(encode(text)) == text` for every text; else `lost` tells what is not kept.
    """

    specials: Specials
    vocabulary: Vocabulary
    lossless: bool

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials. Raises DataError for text that is no valid Unicode."""

    def decode(self, ids: list[int]) -> str:
        """Text of the ids; specials write nothing, broken UTF-8 becomes U+FFFD."""

    def detokenizer(self) -> Detokenizer:
        """A new detokenizer: what it gives, joined, is `decode` of all the ids."""

    def lost(self, text: str) -> tuple[str, ...]:
        """Characters of the text that have no token, each once, in their order."""
