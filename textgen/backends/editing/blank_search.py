"""What may stand in the blanks of a passage: beams over the masked places, words of the dictionary first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import inf

import torch
from torch import Tensor

from textgen.backends.editing.passages import ROWS, Fills, Judge, Passage
from textgen.mcmc.cgmh.contexts import MaskedContext
from textgen.mcmc.cgmh.edits import Context, Ids
from textgen.text.words import frequent_words

SINGLE = 64  # of one token so many are tried
BEAMS = {2: 32, 3: 12, 4: 4}  # hypotheses by the tokens of a blank
NARROW = 4  # those of longer blanks, and beside other blanks
# what is kept of a beam: words of the dictionary by their length, and other texts
WORDS = {2: 64, 3: 32, 4: 16}
OTHERS = 16
LENGTHS = 8  # lengths of a blank that are tried
LONG = 4  # tokens from which on a beam runs in one direction only
STATES = 4  # ways to fill some of the blanks that are gone on with
TOGETHER = 64  # ways to fill several blanks together
PER_CHARACTER = 1.5  # nats that a token is worth, so that beams of several lengths can be compared


@dataclass(frozen=True)
class BlankSearch:
    """Finds candidates for the blanks of passages.

    Attributes:
        judge: What the models think.
        allowed: `(vocab,)`, true for tokens that may be written.
        longest: Most tokens of a passage.
    """

    judge: Judge
    allowed: Tensor
    longest: int

    def candidates(self, passage: Passage) -> list[Fills]:
        """Ways to fill the blanks, each once; a blank in the lengths of its range alone."""
        if len(passage.ranges) == 1:
            return list(self._fills(passage, 0, ((),), alone=True))
        ways: dict[Fills, float] = {}
        for order in (range(len(passage.ranges)), range(len(passage.ranges) - 1, -1, -1)):
            for fills, score in self._filled_in_turn(passage, order):
                ways[fills] = max(score, ways.get(fills, -inf))
        best = _best(ways.items(), TOGETHER)
        # what is good in one blank need not have been met beside the best of another
        each = [list(dict.fromkeys(fills[n] for fills in best)) for n in range(len(passage.ranges))]
        count = max(2, int(TOGETHER ** (1 / len(each))))
        crossed = list(product(*(fills[:count] for fills in each)))[:TOGETHER]
        return list(dict.fromkeys([*best, *crossed]))

    def _filled_in_turn(self, passage: Passage, order: Sequence[int]) -> list[tuple[Fills, float]]:
        """Fill the blanks one after another, those that are still open masked."""
        states: list[tuple[Fills, float]] = [(tuple(self._open(r) for r in passage.ranges), 0.0)]
        for blank in order:
            found: dict[Fills, float] = {}
            for state, before in states:
                for fills, score in self._fills(passage, blank, state, alone=len(states) == 1).items():
                    found[fills] = before + score + PER_CHARACTER * len(fills[blank])
            kept = TOGETHER if blank == order[-1] else STATES
            states = [(fills, found[fills]) for fills in _best(found.items(), kept)]
        return states

    def _open(self, lengths: tuple[int, int]) -> Ids:
        """What stands in a blank that is not yet filled: as many masks as it may well have tokens."""
        least, most = lengths
        return self._hole * min(max(2, least), most)

    def _fills(self, passage: Passage, blank: int, state: Fills, *, alone: bool) -> dict[Fills, float]:
        """Fill one blank of a state in all ways that are worth it, with their log-probabilities.

        Args:
            passage: The passage.
            blank: The number of the blank.
            state: What stands in the others.
            alone: Whether it is the only state to be gone on with; then more ways are.
        """
        least, most = passage.ranges[blank]
        context = passage.around(state, blank)
        room = self.longest - len(context.left) - len(context.right)
        found = {}
        for size in range(self._fewest(least), min(most, least + LENGTHS - 1, room) + 1):
            for fill, score in self._of_size(context, size, alone=alone).items():
                if least <= self.judge.models.measure(fill) <= most:
                    found[(*state[:blank], fill, *state[blank + 1 :])] = score
        return found

    def _fewest(self, characters: int) -> int:
        """The fewest tokens that may write so many characters."""
        return max(1, -(-characters // self._widest))

    @cached_property
    def _widest(self) -> int:
        """The most characters of a token."""
        return max(1, int(self.judge.models.sizes[self.allowed].max()))

    def _of_size(self, context: Context, size: int, *, alone: bool) -> dict[Ids, float]:
        """Fills of so many tokens with their log-probabilities."""
        orders = [range(size)] if size == 1 or size > LONG or not alone else [range(size), range(size)[::-1]]
        found: dict[Ids, float] = {}
        for order in orders:
            for fill, score in self._beam(context, order, alone=alone):
                found[fill] = max(score, found.get(fill, -inf))
        return found

    def _beam(self, context: Context, order: Sequence[int], *, alone: bool) -> Iterator[tuple[Ids, float]]:
        """Yield the fills that a beam finds which writes the places in this order, words the more."""
        size = len(order)
        width = BEAMS.get(size, NARROW) if alone else NARROW
        written, scores = torch.empty(1, 0, dtype=torch.long), torch.zeros(1)
        for done, place in enumerate(order):
            states = [dict(zip(order[:done], row, strict=True)) for row in written.tolist()]
            expected = self._expected([self._within(context, state, place, size) for state in states])
            totals = scores[:, None] + expected
            if done == size - 1:
                break
            written, scores = self._best_of(totals, written, width)
        kept = (SINGLE if size == 1 else OTHERS) if alone else 2 * NARROW
        ways, values = self._best_of(totals, written, kept)
        if (words := self._words_of(written, order)) is not None:
            rows, tokens = words
            some = totals[rows, tokens].topk(min(len(rows), WORDS[size] if alone else 2 * NARROW))
            found = torch.cat([written[rows], tokens[:, None]], 1)[some.indices]
            ways, values = torch.cat([ways, found]), torch.cat([values, some.values])
        back = [order.index(place) for place in range(size)]
        for fill, score in zip(ways[:, back].tolist(), values.tolist(), strict=True):
            if score > -inf:
                yield tuple(fill), score

    def _best_of(self, totals: Tensor, written: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """So many of the best states with one token more, and their scores."""
        best = totals.flatten().topk(min(count, totals.numel()))
        rows, tokens = best.indices // totals.shape[1], best.indices % totals.shape[1]
        return torch.cat([written[rows], tokens[:, None]], 1), best.values

    def _within(self, context: Context, written: dict[int, int], place: int, size: int) -> Context:
        """What stands around a place of a blank of which some places are written."""
        parts = [(written[n],) if n in written else self._hole for n in range(size)]
        left = [i for part in parts[:place] for i in part]
        right = [i for part in parts[place + 1 :] for i in part]
        return Context((*context.left, *left), (*right, *context.right))

    def _words_of(self, written: Tensor, order: Sequence[int]) -> tuple[Tensor, Tensor] | None:
        """The words of the dictionary that go on from states: the rows of those, and the last tokens."""
        table = self._tables.get(len(order))
        if table is None or not self._hole:
            return None
        table = table[:, list(order)]
        base = len(self.allowed) ** torch.arange(len(order) - 1)
        keys, begun = (table[:, :-1] * base).sum(1), (written * base).sum(1)
        known, rows = begun.sort()
        at = torch.searchsorted(known, keys).clamp(max=len(known) - 1)
        fits = known[at] == keys
        return rows[at[fits]], table[fits, -1]

    def _expected(self, contexts: Sequence[Context]) -> Tensor:
        parts = [self.judge.expected(contexts[at : at + ROWS]) for at in range(0, len(contexts), ROWS)]
        return torch.cat(parts).masked_fill(~self.allowed, -inf)

    @cached_property
    def _hole(self) -> Ids:
        """A place of which nothing is known: a mask to a model that has one, else nothing."""
        model = self.judge.models.proposer.model
        return (model.mask,) if isinstance(model, MaskedContext) else ()

    @cached_property
    def _tables(self) -> dict[int, Tensor]:
        """For each length the words of the dictionary that have a token for each of their characters."""
        vocabulary = self.judge.models.tokenizer.vocabulary
        allowed = self.allowed.nonzero()[:, 0].tolist()
        written = {vocabulary.pieces[i].decode("utf-8", "replace"): i for i in allowed}
        tokens = {text: i for text, i in written.items() if len(text) == 1}
        found = {}
        for size in WORDS:
            rows = [
                [tokens[c] for c in word] for word in frequent_words(size) if all(c in tokens for c in word)
            ]
            if rows:
                found[size] = torch.tensor(rows)
        return found


def _best(scored: Iterable[tuple[Fills, float]], count: int) -> list[Fills]:
    """The best fills; of equals those that came first."""
    return [fills for fills, _ in sorted(scored, key=lambda pair: -pair[1])[:count]]
