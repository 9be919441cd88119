"""Facts: spans of a text that no other wording of it may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["numbers", "names", "negation", "quotes", "latin"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, order=True)
class Fact:
    """A span of a text that carries a fact.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        kind: What unlocks it.
        reason: What it was taken for, such as `time` or `person`.
    """

    start: int
    end: int
    kind: Kind
    reason: str


def listed(text: str) -> frozenset[str]:
    """The words of a list, white space between them."""
    return frozenset(text.split())


class Words:
    """The words of a text with their parts of speech, by place.

    Args:
        tagged: From `textgen.text.words.tagged_words`.
    """

    def __init__(self, tagged: list[tuple[str, str]]) -> None:
        self.words = [word for word, _ in tagged]
        self.tags = [tag for _, tag in tagged]
        edges = [0]
        for word in self.words:
            edges.append(edges[-1] + len(word))
        self.starts, self.ends = edges[:-1], edges[1:]
        self._edges = frozenset(edges)

    def edge(self, place: int) -> bool:
        """Whether a word begins or ends at a place."""
        return place in self._edges

    def hold(self, start: int, end: int) -> bool:
        """Whether a span is made of whole words, or is the beginning of one, as 去年 of 去年同期."""
        if start not in self._edges:
            return False
        return end in self._edges or all(not start < edge < end for edge in self._edges)
