"""The characters that people write for others: of the same sound, of a similar shape, in certain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent

# initials and finals that many do not tell apart, as one
INITIALS = {"zh": "z", "ch": "c", "sh": "s", "n": "l"}
FINALS = {"ing": "in", "eng": "en", "ang": "an"}


def sounds_like(one: str, other: str) -> bool:
    """Whether two characters have a reading in common, tones aside."""
    return not _syllables().get(one, frozenset()).isdisjoint(_syllables().get(other, frozenset()))


@cache
def near_in_sound(character: str) -> frozenset[str]:
    """The characters with a reading that is the same, or that many do not tell from it; not itself."""
    syllables = {_levelled(syllable) for syllable in _syllables().get(character, ())}
    return frozenset().union(*(_by_sound()[syllable] for syllable in syllables)) - {character}


@cache
def near_in_shape(character: str) -> frozenset[str]:
    """The characters that look like one; not itself."""
    return _shapes().get(character, frozenset()) - {character}


@cache
def common_characters() -> frozenset[str]:
    """The characters whose readings are known: the 3,755 that are most used."""
    return frozenset(_syllables())


@cache
def misspelt_words() -> Mapping[str, str]:
    """The right word by the wrong one, of equal length."""
    return dict(line.split() for line in _lines("words.txt"))


@cache
def longest_misspelt() -> int:
    """Characters of the longest wrong word."""
    return max(map(len, misspelt_words()))


def _lines(name: str) -> Iterator[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("#"))


@cache
def _syllables() -> Mapping[str, frozenset[str]]:
    """Syllables by character."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in _lines("sounds.txt"):
        syllable, characters = line.split()
        for character in characters:
            found[character].add(syllable)
    return {character: frozenset(syllables) for character, syllables in found.items()}


@cache
def _by_sound() -> Mapping[str, frozenset[str]]:
    """Characters by their syllable, levelled."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for character, syllables in _syllables().items():
        for syllable in syllables:
            found[_levelled(syllable)].add(character)
    return {syllable: frozenset(characters) for syllable, characters in found.items()}


def _levelled(syllable: str) -> str:
    """A syllable without what many do not tell apart."""
    for written, one in INITIALS.items():
        if syllable.startswith(written):
            syllable = one + syllable[len(written) :]
            break
    for written, one in FINALS.items():
        if syllable.endswith(written):
            return syllable[: -len(written)] + one
    return syllable


@cache
def _shapes() -> Mapping[str, frozenset[str]]:
    """The characters of all groups that a character is in, by character."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for group in _lines("shapes.txt"):
        for character in group:
            found[character] |= set(group)
    return {character: frozenset(group) for character, group in found.items()}
