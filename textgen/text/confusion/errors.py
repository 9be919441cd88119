"""The errors that the characters of a text may be, by kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

from textgen.text.confusion.particles import Particle, particles
from textgen.text.confusion.tables import (
    longest_misspelt,
    misspelt_words,
    near_in_shape,
    near_in_sound,
    sounds_like,
)
from textgen.text.words import listed_words, words

Kind = Literal["word", "sound", "near", "shape", "missing", "doubled", "swapped", "other", "extra"] | Particle


@dataclass(frozen=True)
class Errors:
    """What may be wrong in a text.

    Attributes:
        text: As it was written.
    """

    text: str

    @cached_property
    def meant(self) -> list[Mapping[str, Kind]]:
        """For every character what may have been meant by it, and by which kind of error it came."""
        found = [_confused(character) for character in self.text]
        for span, word in misspelt(self.text):
            for place, right in zip(span, word, strict=True):
                if right != self.text[place]:
                    found[place][right] = "word"
        for place, right, kind in particles(self.text):
            found[place][right] = kind
        return [dict(kinds) for kinds in found]

    @cached_property
    def _listed(self) -> list[bool]:
        """For every character whether it belongs to a word of the dictionary."""
        return _in_words(listed_words(self.text))

    @cached_property
    def _guessed(self) -> list[bool]:
        """The same with words that look like such, as names."""
        return _in_words(words(self.text))

    @cached_property
    def doubled(self) -> frozenset[int]:
        """Characters that may stand there twice by mistake: the same is before or behind them.

        Not where both belong to words, as in 小李李子 or 干干净净.
        """
        known = [one or other for one, other in zip(self._listed, self._guessed, strict=True)]
        pairs = [n for n, pair in enumerate(pairwise(self.text)) if pair[0] == pair[1] and _loose(known, n)]
        return frozenset(place for n in pairs for place in (n, n + 1))

    @cached_property
    def swapped(self) -> frozenset[int]:
        """Characters that may have changed places with the next: not where both belong to words."""
        pairs = enumerate(pairwise(self.text))
        return frozenset(n for n, pair in pairs if pair[0] != pair[1] and _loose(self._listed, n))


def misspelt(text: str) -> Iterator[tuple[range, str]]:
    """Yield the places of words that are often written wrong, and were, each with the right word."""
    right_words, most = misspelt_words(), longest_misspelt()
    for start in range(len(text)):
        for end in range(start + 2, min(start + most, len(text)) + 1):
            if right := right_words.get(text[start:end]):
                yield range(start, end), right


def _in_words(found: list[str]) -> list[bool]:
    return [len(word) > 1 for word in found for _ in word]


def _loose(known: Sequence[bool], place: int) -> bool:
    """Whether a character or the next belongs to no word."""
    return not (known[place] and known[place + 1])


def _confused(character: str) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for other in near_in_sound(character):
        found[other] = "sound" if sounds_like(character, other) else "near"
    # those alike in shape and in some readers' sound are more often taken for each other than those in sound
    found |= {other: "shape" for other in near_in_shape(character) if found.get(other) != "sound"}
    return found
