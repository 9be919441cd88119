"""A term of log pi for keywords that stand as words of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from textgen.mcmc.cgmh.edits import State
from textgen.text.words import words
from textgen.tokenizers.base import Tokenizer


class Merged:
    """A term: how many ends of locked spans lie inside a longer word, as those of 市民 in 城市民俗.

    Args:
        tokenizer: Writes the tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def values(self, states: Sequence[State]) -> list[float]:
        return [self._merged(state) for state in states]

    def _merged(self, state: State) -> float:
        pieces = self.tokenizer.vocabulary.pieces
        ends = [0, *accumulate(len(pieces[i]) for i in state.ids)]
        text = self.tokenizer.decode(list(state.ids))
        borders = {0, *accumulate(len(word.encode()) for word in words(text))}
        edges = [ends[edge] for span in state.spans for edge in (span.start, span.stop)]
        return sum(edge not in borders for edge in edges)
