"""The ids that a task may write."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import torch
from torch import Tensor

from textgen.tokenizers.base import Tokenizer, Vocabulary, present

LEAD_BYTES = range(0xC2, 0xF5)
CONTINUATIONS = range(0x80, 0xC0)
CONTROLS = frozenset([*range(0x20), 0x7F])
# the second byte's range where it is not 80..BF (Unicode 15, table 3-7); U+0080..009F are controls
SECOND_BYTE = {
    0xC2: (0xA0, 0xBF),
    0xE0: (0xA0, 0xBF),
    0xED: (0x80, 0x9F),
    0xF0: (0x90, 0xBF),
    0xF4: (0x80, 0x8F),
}
KEPT = 4  # vocabularies of which is remembered what they may write


def title_ids(tokenizer: Tokenizer, vocab_size: int, *, parts: bool = False) -> Tensor:
    """`(vocab,)`, true for what a title may hold: see `line_ids`, and the end symbol."""
    allowed = line_ids(tokenizer, vocab_size, parts=parts)
    allowed[present(tokenizer.specials.eos)] = True
    return allowed


def line_ids(tokenizer: Tokenizer, vocab_size: int, *, spaces: bool = True, parts: bool = False) -> Tensor:
    """`(vocab,)`, true for tokens of one line: no specials, line breaks or controls.

    Args:
        tokenizer: Of the tokens.
        vocab_size: Ids of the model, of which the last may be no tokens.
        spaces: Whether tokens with a space are wanted.
        parts: Whether parts of characters are, which `WholeCharacters` must keep in order. A vocabulary of
            runs of bytes has no other tokens for many characters; in others they stand for rare ones.
    """
    vocabulary = tokenizer.vocabulary
    kinds = _kinds(vocabulary)
    wanted = kinds.line | kinds.parts if parts else kinds.line
    allowed = torch.zeros(vocab_size, dtype=torch.bool)
    allowed[sorted(wanted if spaces else wanted - vocabulary.spaced)] = True
    return allowed


def text_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for what a text may hold, and the end symbol.

    Of the parts of characters these are all that can stand in a text, which `WholeCharacters` keeps in
    order. Control characters would steer the terminal they are printed on.
    """
    allowed = line_ids(tokenizer, vocab_size, parts=True)
    allowed[sorted(_kinds(tokenizer.vocabulary).breaks)] = True
    allowed[present(tokenizer.specials.eos)] = True
    return allowed


@dataclass(frozen=True)
class _Kinds:
    """Ids by what they write, those of controls left out.

    Attributes:
        line: Whole characters of one line, or nothing, as the beginning of a word does.
        breaks: Whole characters, a line break among them.
        parts: A part of a character.
    """

    line: frozenset[int]
    breaks: frozenset[int]
    parts: frozenset[int]


@lru_cache(KEPT)
def _kinds(vocabulary: Vocabulary) -> _Kinds:
    pieces, byte_ids = vocabulary.pieces, vocabulary.byte_ids
    texts = {i: piece.decode() for i, piece in enumerate(pieces) if piece and i not in byte_ids}
    breaks = {i for i, text in texts.items() if "\n" in text}
    breaks |= set(present(vocabulary.newline))
    steering = {i for i, text in texts.items() if not text.isprintable() and _steers(text)}
    return _Kinds(
        frozenset(texts.keys() - breaks - steering) | vocabulary.wordless,
        frozenset(breaks - steering),
        frozenset(i for i in byte_ids if _is_text(pieces[i])),
    )


def _steers(text: str) -> bool:
    """Whether a text has control characters, or the separators of lines and paragraphs."""
    kinds = {unicodedata.category(character) for character in text if character != "\n"}
    return not kinds.isdisjoint(("Cc", "Zl", "Zp"))


def _is_text(run: bytes) -> bool:
    """Whether a part of a character, with what the run holds beside it, can stand in a text."""
    rest = run.lstrip(bytes(CONTINUATIONS))
    return len(run) - len(rest) <= 3 and open_after(b"", rest) is not None and not CONTROLS & set(rest)


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
        if not self.vocabulary.byte_ids:
            return scores
        parts, left = _parts(self.vocabulary, torch.get_default_device()), self.end - ids.shape[1]
        out = scores.clone()
        out[:, parts.unfit(left)] = -torch.inf
        for row, tail in enumerate(ids[:, -3:].tolist()):
            if held := self._open(tail):
                allowed = parts.following(held, left)
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


class _Parts:
    """How the parts of characters in a vocabulary go on with each other.

    Only they can: a token of whole characters neither goes on with one nor leaves one open.

    Args:
        vocabulary: The tokens.
        device: Torch's default device, where the ids are to be looked up.
    """

    def __init__(self, vocabulary: Vocabulary, device: torch.device) -> None:
        self._runs: dict[int, list[tuple[int, bytes]]] = {}  # by the first byte, ids and what they write
        for i in sorted(vocabulary.byte_ids):
            run = vocabulary.pieces[i]
            self._runs.setdefault(run[0], []).append((i, run))
        self._fewest: dict[tuple[range, int], float] = {}
        self._unfit: dict[int, Tensor] = {}
        self._following: dict[tuple[bytes, int], Tensor] = {}

    def unfit(self, left: int) -> Tensor:
        """Ids with which no character is open before, and one that `left` tokens do not finish behind."""
        left = min(left, 4)
        if left not in self._unfit:
            found = [(i, open_after(b"", run)) for runs in self._runs.values() for i, run in runs]
            unfit = [i for i, held in found if held is None or 1 + self._least(held) > left]
            self._unfit[left] = self._index(unfit)
        return self._unfit[left]

    def following(self, held: bytes, left: int) -> Tensor:
        """Ids that go on with an open character, and that `left` tokens with this one finish."""
        key = held, min(left, 4)
        if key not in self._following:
            runs = (pair for byte in following_bytes(held) for pair in self._runs.get(byte, ()))
            ways = [(i, open_after(held, run)) for i, run in runs]
            fit = [i for i, after in ways if after is not None and 1 + self._least(after) <= left]
            self._following[key] = self._index(fit)
        return self._following[key]

    @staticmethod
    def _index(ids: Sequence[int]) -> Tensor:
        return torch.tensor(ids, dtype=torch.long)

    def _least(self, held: bytes) -> float:
        """The fewest tokens that finish an open character and open no other; infinite if none do."""
        return self._to_go(following_bytes(held), character_length(held[0]) - len(held)) if held else 0

    def _to_go(self, next_bytes: range, missing: int) -> float:
        """The same for a character of which the next byte is one of some, and so many are missing.

        The bytes behind the next may be any that go on with a character.
        """
        key = next_bytes, missing
        if key not in self._fewest:
            runs = [run for byte in next_bytes for _, run in self._runs.get(byte, ())]
            rests = [(len(run) - len(end), end) for run in runs for end in [run.lstrip(bytes(CONTINUATIONS))]]
            ways: list[float] = [0 for size, end in rests if size == missing and open_after(b"", end) == b""]
            if not ways:
                sizes = {size for size, end in rests if size < missing and not end}
                ways = [self._to_go(CONTINUATIONS, missing - size) for size in sizes]
            self._fewest[key] = 1 + min(ways, default=inf)
        return self._fewest[key]


_parts = lru_cache(KEPT)(_Parts)


def character_length(lead: int) -> int:
    """Bytes of a character that begins with this one."""
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def unfinished(text: bytes) -> bytes:
    """The bytes at the end of a UTF-8 text that begin a character and do not finish it; empty if none do."""
    for length in range(1, min(3, len(text)) + 1):
        if text[-length] in LEAD_BYTES:
            return text[-length:] if length < character_length(text[-length]) else b""
    return b""


def open_after(held: bytes, run: bytes) -> bytes | None:
    """The bytes of a character that a run of bytes leaves open; None where the run is no UTF-8.

    Args:
        held: The bytes of the character that is open before it, empty if there is none.
        run: Any bytes.
    """
    for byte in run:
        if held:
            if byte not in following_bytes(held):
                return None
            held += bytes([byte])
            held = b"" if len(held) == character_length(held[0]) else held
        elif byte in LEAD_BYTES:
            held = bytes([byte])
        elif byte >= 0x80:
            return None
    return held


def following_bytes(held: bytes) -> range:
    """The bytes that may come next in a character that begins so; `held` is of `unfinished`, not empty."""
    least, most = SECOND_BYTE.get(held[0], (0x80, 0xBF)) if len(held) == 1 else (0x80, 0xBF)
    return range(least, most + 1)
