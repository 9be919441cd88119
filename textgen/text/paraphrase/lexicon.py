"""The lexicon of paraphrases: groups of words that may stand for each other, and patterns of sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from textgen.resources import data_dir
from textgen.text.paraphrase.patterns import Pattern, pattern_of

CLASS = "@"  # begins a line that lists the words of a class, `@name = words`


@dataclass(frozen=True)
class Lexicon:
    """Words and patterns.

    Attributes:
        groups: Words that may stand for each other.
        patterns: Pairs of forms of a sentence.
    """

    groups: Sequence[tuple[str, ...]]
    patterns: Sequence[Pattern] = ()

    @cached_property
    def groups_of(self) -> Mapping[str, Sequence[tuple[str, ...]]]:
        """The groups that each word is in."""
        found: dict[str, list[tuple[str, ...]]] = {}
        for group in self.groups:
            for word in group:
                found.setdefault(word, []).append(group)
        return found

    @cached_property
    def longest(self) -> int:
        """Characters of the longest word."""
        return max(map(len, self.groups_of), default=0)

    @classmethod
    def of(cls, words: str, patterns: str = "") -> Lexicon:
        """Read the texts of both files.

        Args:
            words: A group a line, its words separated by blanks.
            patterns: A pattern a line, `LEFT = RIGHT`, or a class of words, `@name = words`.

        Raises:
            ValueError: A line is neither.
        """
        groups = [tuple(dict.fromkeys(line.split())) for line in _lines(words)]
        classes: dict[str, frozenset[str]] = {}
        found = []
        for line in _lines(patterns):
            left, equals, right = (part.strip() for part in line.partition("="))
            if not equals:
                raise ValueError(f"no = in the pattern {line}")
            if left.startswith(CLASS):
                classes[left.removeprefix(CLASS)] = frozenset(right.split())
            else:
                found.append(pattern_of(left, right, classes))
        return cls([group for group in groups if len(group) > 1], found)


def _lines(text: str) -> Iterator[str]:
    """The lines of a file that are no comments."""
    lines: Iterable[str] = (line.strip() for line in text.splitlines())
    return (line for line in lines if line and not line.startswith("#"))


@cache
def shipped_lexicon() -> Lexicon:
    """The lexicon that comes with textgen."""
    folder = data_dir() / "paraphrase"
    words, patterns = ((folder / name).read_text(encoding="utf-8") for name in ("words.txt", "patterns.txt"))
    return Lexicon.of(words, patterns)
