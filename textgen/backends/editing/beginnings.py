"""Sentences that hold given words, searched from left to right: where the chains of `compose` begin.

The language model reads a few lines first and then writes on in their manner (Brown et al. 2020,
https://arxiv.org/abs/2005.14165); the words are constraints of a beam search. Every search reads other lines,
and has Gumbel noise on its scores, most on the first tokens: so each begins in its own way and is then looked
through as a beam does. Where a word asks for a partner (虽然…，但是), that is a constraint, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.backends.editing.plain_sentences import ENDS, Noise, NoRepeats, OneSentence, plain_ids
from textgen.choice.allowed import punctuation_ids
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.constrained import constrained_beam_search
from textgen.models.views import Ids, NextTokenModel, State
from textgen.store.load import LoadedModel
from textgen.text.connectives import keeps_order, paired
from textgen.tokenizers.base import present

READINGS, SEARCHES, WIDTH = 3, 3, 8  # one reading after the other: together they take more memory
KEEPING = 2  # readings that keep the order of the words, which people give as they would write them
KEPT = 3  # sentences of a search: the others are much like them
READ = 6  # lines before a text
STEP = 6  # lines between those that one reading and the next begin at
LONGEST, LONGER = 18, 24  # characters that a plain sentence need not pass, and one of two clauses
ROOM = 8  # characters beside words that are longer than that
PENALTY = 0.7  # exponent of the length by which scores are divided; at 1 all sentences are long


class ReadOnce:
    """A model of which all sources are the same, and read once.

    Args:
        network: The model.
    """

    def __init__(self, network: NextTokenModel) -> None:
        self.network, self.vocab_size = network, network.vocab_size

    def start(self, sources: Sequence[Ids]) -> State:
        """Read the source."""
        state: State = self.network.start(sources[:1])
        return state.select(torch.zeros(len(sources), dtype=torch.long))

    def step(self, state: State, tokens: Tensor) -> Tensor:
        """The logits of the next tokens."""
        return self.network.step(state, tokens)

    def extend(self, state: State, tokens: Tensor) -> Tensor:
        """The logits after each of several tokens."""
        return self.network.extend(state, tokens)


@dataclass(frozen=True)
class Writer:
    """A language model that writes a line of its own behind others.

    Attributes:
        model: The model.
        lines: Of these it reads some first.
    """

    model: LoadedModel
    lines: tuple[str, ...]

    @property
    def before(self) -> tuple[int, ...]:
        """What stands before every text."""
        return self._behind(0)

    def _behind(self, reading: int) -> tuple[int, ...]:
        """A few of the lines, in every reading others."""
        tokenizer = self.model.tokenizer
        newline = tokenizer.vocabulary.newline
        at = STEP * reading % max(1, len(self.lines))
        lines = [*self.lines[at:], *self.lines[:at]][:READ] if present(newline) else []
        inside = [i for line in lines for i in (*tokenizer.encode(line), newline)]
        found = (*present(tokenizer.specials.bos, newline), *inside)
        # a short model keeps most of what it reads for the text
        return found if 2 * len(found) < self.model.network.positions else found[: len(found) - len(inside)]

    def sentences(
        self, words: Sequence[str], length: tuple[int, int], key: bytes, *, ordered: bool
    ) -> list[list[tuple[str, float]]]:
        """Sentences that hold the words, of each search its best, with their log-probabilities.

        Args:
            words: As the model spells them; a word that is given twice stands twice.
            length: Fewest and most characters.
            key: Of the random numbers.
            ordered: Whether all searches keep the order; else most of them do.
        """
        longest, pair = LONGEST, paired(words)
        if pair and sum(map(len, pair)) < length[1] and (not ordered or keeps_order(words, pair)):
            words, ordered, longest = pair, True, LONGER
        spelt = [tuple(self.model.tokenizer.encode(word)) for word in words]
        fixed = sum(map(len, words))
        least, most = length[0], min(length[1], max(length[0] + 2, longest, fixed + ROOM))
        limit = most + sum(map(len, spelt))
        readings = range(READINGS)
        read = max(len(self._behind(reading)) for reading in readings)
        if not all(spelt) or read + limit >= self.model.network.positions:
            return []
        found: list[list[tuple[str, float]]] = []
        for reading in readings:
            kept = ordered or len(words) == 1 or reading < KEEPING
            constraint = Constraint(tuple((pattern,) for pattern in spelt), kept, once=True)
            found += self._search(reading, words, constraint, (least, most), limit, key)
        return found

    def _search(
        self,
        reading: int,
        words: Sequence[str],
        constraint: Constraint,
        length: tuple[int, int],
        limit: int,
        key: bytes,
    ) -> Iterator[list[tuple[str, float]]]:
        tokenizer, network = self.model.tokenizer, self.model.network
        row = self._behind(reading)
        batch = Batch([row[:-1]] * SEARCHES, [row[-1]] * SEARCHES, [row] * SEARCHES)
        given, spelt = len(row), [pattern for (pattern,) in constraint.patterns]
        end = present(tokenizer.vocabulary.newline, tokenizer.specials.eos)[0]
        allowed = plain_ids(tokenizer, network.vocab_size)
        allowed[[i for pattern in spelt for i in pattern]] = True
        allowed[end] = True
        filters: list[Filter] = [
            OneSentence(tokenizer, network.vocab_size, length, end, given, words),
            NoRepeats(punctuation_ids(tokenizer.vocabulary) - {end}, spelt, given),
            Noise(given, torch.Generator().manual_seed(int.from_bytes(key[:7], "big") + reading)),
        ]
        search, scoring = BeamSearch(WIDTH, end, Length(limit + 1, PENALTY)), Scoring(allowed, hard=filters)
        constraints, pad = [constraint] * SEARCHES, tokenizer.specials.pad
        for pool in constrained_beam_search(ReadOnce(network), batch, scoring, search, constraints, pad=pad):
            texts = [
                (tokenizer.decode(list(one.ids[:-1])), one.logprob or 0.0)
                for one in pool
                if one.reason == "stop"
            ]
            # of a sentence that ends in one mark or another, the best
            yield list({text.rstrip(ENDS): (text, value) for text, value in texts[::-1]}.values())[::-1][
                :KEPT
            ]
