"""The neighbours of a state that say the same: what is one paraphrase away from its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache

from textgen.backends.tokenized import token_places
from textgen.mcmc.cgmh.edits import FREE, State
from textgen.text.paraphrase.lexicon import Lexicon
from textgen.text.paraphrase.locked_text import Lock, LockedText
from textgen.text.paraphrase.ways import ways
from textgen.tokenizers.base import Tokenizer

REMEMBERED = 256  # states whose neighbours are kept: all chains of a text begin at the same one


class Paraphrases:
    """The paraphrases of states; see `textgen.mcmc.cgmh.kernel.Neighbours`.

    A text with its locked parts is written as one state, whose ids are those that the tokenizer gives it. A
    state that has others, as edits of tokens may make, has no neighbours and is none.

    Args:
        tokenizer: Of the states.
        lexicon: Words and patterns.
    """

    def __init__(self, tokenizer: Tokenizer, lexicon: Lexicon) -> None:
        self.tokenizer = tokenizer
        self.lexicon = lexicon
        self._found = lru_cache(REMEMBERED)(lambda state: tuple(self._neighbours(state)))

    def __call__(self, state: State) -> tuple[State, ...]:
        found: tuple[State, ...] = self._found(state)
        return found

    def _neighbours(self, state: State) -> Iterator[State]:
        text = self.text_of(state)
        written = cache(lambda text: self.written(text, state))
        if written(text) != state:
            return
        for way in ways(text, self.lexicon):
            found = written(way)
            if found is not None and found != state:
                yield found

    def text_of(self, state: State) -> LockedText:
        """The text of a state."""
        places = token_places(state.ids, self.tokenizer)
        locks = [
            Lock(places[span.start].start, places[span.stop - 1].stop, state.labels[span.start])
            for span in state.spans
        ]
        return LockedText(self.tokenizer.decode(list(state.ids)), tuple(locks))

    def written(self, text: LockedText, like: State) -> State | None:
        """The state that a text is written as.

        Args:
            text: The text.
            like: A state with the same subject and ends.

        Returns:
            The state; None where the tokenizer loses a character, a token would be half locked, or something
            stands before or behind a closed end.
        """
        if self.tokenizer.lost(text.string):
            return None
        ids = tuple(self.tokenizer.encode(text.string))
        places = token_places(ids, self.tokenizer)
        labels = [FREE] * len(ids)
        for lock in text.locks:
            # the first bytes of a character write nothing, and stand where it does
            ends = (max(own.stop, own.start + 1) for own in places)
            pairs = enumerate(zip(places, ends, strict=True))
            inside = [n for n, (own, end) in pairs if own.start < lock.stop and lock.start < end]
            if not inside or (places[inside[0]].start, places[inside[-1]].stop) != (lock.start, lock.stop):
                return None
            for n in inside:
                labels[n] = lock.label
        if not (like.open_left or labels[:1] != [FREE]) or not (like.open_right or labels[-1:] != [FREE]):
            return None
        return replace(like, ids=ids, labels=tuple(labels))
