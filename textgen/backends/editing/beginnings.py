"""Sentences that hold given words, searched from left to right: where the chains of `compose` begin.

The language model reads a few lines first and then writes on in their manner (Brown et al. 2020,
https://arxiv.org/abs/2005.14165); the words are constraints of a beam search. Every search has the lines in
another order, and Gumbel noise on its scores, most on the first tokens: so each begins in its own way and is
then looked through as a beam does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from textgen.backends.editing.plain_sentences import Noise, NoRepeats, OneSentence, plain_ids
from textgen.choice.allowed import punctuation_ids
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.constrained import constrained_beam_search
from textgen.store.load import LoadedModel
from textgen.tokenizers.base import present

SEARCHES, WIDTH = 8, 6
KEEPING = 6  # searches that keep the order of the words, which people give as they would write them
KEPT = 4  # sentences of a search: the others are much like them
LONGEST = 18  # characters that a plain sentence need not pass
ROOM = 8  # characters beside words that are longer than that
PENALTY = 0.7  # exponent of the length by which scores are divided; at 1 all sentences are long


@dataclass(frozen=True)
class Writer:
    """A language model that writes a line of its own behind others.

    Attributes:
        model: The model.
        lines: Read first, as it spells them.
    """

    model: LoadedModel
    lines: tuple[str, ...]

    @property
    def before(self) -> tuple[int, ...]:
        """What stands before every text."""
        return self._behind(0)

    def _behind(self, turn: int) -> tuple[int, ...]:
        """The lines, begun with another one."""
        tokenizer = self.model.tokenizer
        newline = tokenizer.vocabulary.newline
        lines = [*self.lines[turn:], *self.lines[:turn]] if present(newline) else []
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
        spelt = [tuple(self.model.tokenizer.encode(word)) for word in words]
        fixed = sum(map(len, words))
        least, most = length[0], min(length[1], max(length[0] + 2, LONGEST, fixed + ROOM))
        limit = most + sum(map(len, spelt))
        if not all(spelt) or len(self.before) + limit >= self.model.network.positions:
            return []
        turns = range(SEARCHES)
        parts = [(turns, True)]
        if not ordered and len(words) > 1:
            parts = [(turns[:KEEPING], True), (turns[KEEPING:], False)]
        found: list[list[tuple[str, float]]] = []
        for some, kept in parts:
            constraint = Constraint(tuple((pattern,) for pattern in spelt), kept, once=True)
            found += self._search(some, constraint, (least, most), limit, key)
        return found

    def _search(
        self, turns: Sequence[int], constraint: Constraint, length: tuple[int, int], limit: int, key: bytes
    ) -> Iterator[list[tuple[str, float]]]:
        tokenizer, network = self.model.tokenizer, self.model.network
        rows = [self._behind(turn % max(1, len(self.lines))) for turn in turns]
        batch = Batch([row[:-1] for row in rows], [row[-1] for row in rows], rows)
        given, spelt = len(rows[0]), [pattern for (pattern,) in constraint.patterns]
        end = present(tokenizer.vocabulary.newline, tokenizer.specials.eos)[0]
        allowed = plain_ids(tokenizer, network.vocab_size)
        allowed[[i for pattern in spelt for i in pattern]] = True
        allowed[end] = True
        filters: list[Filter] = [
            OneSentence(tokenizer, network.vocab_size, length, end, given),
            NoRepeats(punctuation_ids(tokenizer.vocabulary) - {end}, spelt, given),
            Noise(given, torch.Generator().manual_seed(int.from_bytes(key[:7], "big") + turns[0])),
        ]
        search = BeamSearch(WIDTH, end, Length(limit + 1, PENALTY))
        constraints = [constraint] * len(rows)
        for pool in constrained_beam_search(
            network, batch, Scoring(allowed, hard=filters), search, constraints, pad=tokenizer.specials.pad
        ):
            ended = [one for one in pool if one.reason == "stop"][:KEPT]
            yield [(tokenizer.decode(list(one.ids[:-1])), one.logprob or 0.0) for one in ended]
