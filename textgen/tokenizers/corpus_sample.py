"""Samples of a stream of texts, to train a tokenizer on: counted characters and words, or drawn sentences."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random

from textgen.tokenizers.sentencepiece import SPACE

UNKNOWN = "\u2585"  # how SentencePiece writes, while it trains, what it does not know
_SEPARATORS = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏ"
# inside a phrase ("Red Hat") the space belongs to the word; behind Chinese text, style decides on it
_WORD = re.compile(f"(?:(?<=[{_LETTER}]) )?[{_LETTER}]{{1,32}}")
_LATIN = re.compile(f"[{_LETTER}]")
# short parts keep the sample even: a line may be a paragraph, or a book
_SENTENCE = re.compile("[^\n。！？]{1,255}[。！？]?|[。！？]")
_WORDS_HELD = 1_000_000
_WORDS_USED = 200_000


def is_latin(character: str) -> bool:
    """Whether this is a letter of the Latin words that `Words` counts."""
    return _LATIN.match(character) is not None


def choose_alphabet(characters: Mapping[str, int], size: int, min_count: int) -> list[str]:
    """The characters that get a token, the most frequent first.

    The space is always among them: as bytes it would come back as U+2581. The line break has a token anyway;
    controls, invisible and private characters are left to the bytes, which decoders know how to ban.

    Args:
        characters: How often each occurs.
        size: How many to choose at most, the space among them.
        min_count: What occurs less often is not chosen.
    """
    found = [
        (-count, character)
        for character, count in characters.items()
        if count >= min_count and character != " " and _is_visible(character)
    ]
    chosen = [(-characters.get(" ", 0), " "), *sorted(found)[: size - 1]]
    return [character for _, character in sorted(chosen)]


class Words:
    """Latin words and how often they occur, in bounded memory.

    Args:
        limit: How many different words are held; beyond it the rarest are forgotten.
    """

    def __init__(self, limit: int = _WORDS_HELD) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Count the words of one more text."""
        self._counts.update(_WORD.findall(text))
        if len(self._counts) > self._limit:
            self._forget()

    @property
    def long_words(self) -> int:
        """Different words of more than one letter: so many sub-words spell all of them."""
        return sum(len(word) > 1 for word in self._counts)

    def units(self, alphabet: list[str]) -> Iterator[tuple[str, int]]:
        """The most frequent words that the alphabet can spell, with their counts."""
        known = {*alphabet, " "}
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return ((word, count) for word, count in ranked[:_WORDS_USED] if known.issuperset(word))

    def _forget(self) -> None:
        floor = 0
        while len(self._counts) > self._limit // 2:
            floor += 1
            self._counts = Counter({word: n for word, n in self._counts.items() if n > floor})


class Sentences:
    """A sample of sentences, each of the stream as likely as any other.

    Args:
        limit: How many to keep.
        seed: The same seed and the same texts give the same sample.
    """

    def __init__(self, limit: int, seed: int) -> None:
        self._limit = limit
        self._random = Random(seed)
        self._kept: list[str] = []
        self._seen = 0

    def add(self, text: str) -> None:
        """Draw from the sentences of one more text."""
        for found in _SENTENCE.finditer(text):
            self._seen += 1
            if len(self._kept) < self._limit:
                self._kept.append(found.group())
            elif (place := self._random.randrange(self._seen)) < self._limit:
                self._kept[place] = found.group()

    def units(self, alphabet: list[str]) -> Iterator[tuple[str, int]]:
        """The sentences, cut where they leave the alphabet; no token could reach across that anyway."""
        known = set(alphabet)
        for sentence in self._kept:
            cut = "".join(character if character in known else "\n" for character in sentence)
            yield from ((part, 1) for part in cut.split("\n") if part)


def _is_visible(character: str) -> bool:
    return character not in (SPACE, UNKNOWN) and unicodedata.category(character) not in _SEPARATORS
