"""Passages with blanks, and how well they read with something in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from textgen.backends.editing.models import ChainModels
from textgen.mcmc.cgmh.edits import Context, Ids
from textgen.models.views import Scored
from textgen.text.segment import sentences

BEFORE, BEHIND = 80, 40  # characters beside the blanks, and up to the end of a sentence, that are looked at
BESIDE = 2  # tokens on each side of a blank that are judged by what fills it
CLOSE_BEHIND = 3  # tokens behind a blank, or the text's end, that the language model says most about
CONTEXT, LENGTH = 0.5, 0.5  # weights beside the log-probability of the passage
ROWS = 64  # texts that a model reads together

Fills = tuple[Ids, ...]  # what stands in each of the blanks


@dataclass(frozen=True)
class Passage:
    """A passage with blanks.

    Attributes:
        given: What stands between the blanks, and at the ends: one part more than there are blanks.
        ranges: For each blank the least and the most characters.
    """

    given: tuple[Ids, ...]
    ranges: tuple[tuple[int, int], ...]

    def ids(self, fills: Fills) -> Ids:
        """The tokens of the passage when it is filled."""
        parts = [part for pair in zip(self.given, fills, strict=False) for part in pair]
        return tuple(i for part in (*parts, self.given[-1]) for i in part)

    def around(self, fills: Fills, blank: int) -> Context:
        """What stands around one of the blanks; what fills that does not matter."""
        left = Passage(self.given[: blank + 1], ()).ids(fills[:blank])
        return Context(left, Passage(self.given[blank + 1 :], ()).ids(fills[blank + 1 :]))

    def spans(self, fills: Fills) -> list[range]:
        """Where the fills stand."""
        found, at = [], 0
        for part, fill in zip(self.given, fills, strict=False):
            at += len(part) + len(fill)
            found.append(range(at - len(fill), at))
        return found

    def behind(self, fills: Fills) -> list[int]:
        """The places behind the first blank that are in none, nor close behind one; the end counts."""
        spans = self.spans(fills)
        close = {place for span in spans for place in range(span.start, span.stop + CLOSE_BEHIND)}
        return [place for place in range(spans[0].start, len(self.ids(fills)) + 1) if place not in close]

    def beside(self, fills: Fills) -> list[int]:
        """The given places that stand close to a blank."""
        spans, end = self.spans(fills), len(self.ids(fills))
        close = {place for span in spans for place in range(span.start - BESIDE, span.stop + BESIDE)}
        return sorted(place for place in close.difference(*spans) if 0 <= place < end)


def nearby(parts: Sequence[str]) -> list[str]:
    """The parts of a text around its blanks without the sentences that are far from all of them."""
    first, *inner, last = parts
    return [_end(first), *inner, _beginning(last)]


def _end(text: str) -> str:
    size, kept = 0, []
    for sentence in reversed(sentences(text)):
        if size >= BEFORE:
            break
        kept.append(sentence)
        size += len(sentence)
    return "".join(reversed(kept))


def _beginning(text: str) -> str:
    size, kept = 0, []
    for sentence in sentences(text):
        if size >= BEHIND:
            break
        kept.append(sentence)
        size += len(sentence)
    return "".join(kept)


@dataclass(frozen=True)
class Judge:
    """Tells how well passages read: to a language model, and to the proposals.

    Attributes:
        models: The models.
    """

    models: ChainModels

    def scored(self, texts: Sequence[Ids]) -> list[Scored]:
        """Texts as the language model scores them, their end included."""
        score = self.models.language_model.score
        # what all of them begin with is computed once
        [parent] = score(texts[:1], [None]) if len(texts) > 1 else [None]
        found: list[Scored] = []
        for at in range(0, len(texts), ROWS):
            some = texts[at : at + ROWS]
            found += score(some, [parent] * len(some), remember=False)
        return found

    def fluency(self, passage: Passage, all_fills: Sequence[Fills], far: float = 1.0) -> list[float]:
        """How well the passage reads by the language model; longer fills are no worse for their length.

        Args:
            passage: The passage.
            all_fills: What fills its blanks.
            far: Weight of what is far behind them, where the model tells it apart.
        """
        found = []
        for fills, one in zip(
            all_fills, self.scored([passage.ids(fills) for fills in all_fills]), strict=True
        ):
            less = sum(one.logprobs[place] for place in passage.behind(fills)) if one.logprobs else 0.0
            size = sum(map(self.models.measure, fills))
            found.append(one.logprob - ((1 - far) * less if far < 1 else 0.0) + LENGTH * size)
        return found

    def support(self, passage: Passage, all_fills: Sequence[Fills]) -> list[float]:
        """How well what was given close to the blanks goes with what fills them, by the proposals."""
        return self._given_all_others(passage, all_fills, [passage.beside(fills) for fills in all_fills])

    def expectation(self, passage: Passage, all_fills: Sequence[Fills]) -> list[float]:
        """How well what fills the blanks goes with all around it, by the proposals."""
        spans = [[place for span in passage.spans(fills) for place in span] for fills in all_fills]
        return self._given_all_others(passage, all_fills, spans)

    def _given_all_others(
        self, passage: Passage, all_fills: Sequence[Fills], places: Sequence[Sequence[int]]
    ) -> list[float]:
        """For each passage the weighed log-probabilities of the tokens at some places, added up."""
        asked = []
        for n, (fills, some) in enumerate(zip(all_fills, places, strict=True)):
            ids = passage.ids(fills)
            asked += [(n, Context(ids[:place], ids[place + 1 :]), ids[place]) for place in some]
        found = [0.0] * len(all_fills)
        for at in range(0, len(asked), ROWS):
            together = asked[at : at + ROWS]
            logprobs = self.expected([context for _, context, _ in together])
            for row, (n, _, token) in zip(logprobs, together, strict=True):
                found[n] += CONTEXT * float(row[token])
        return found

    def expected(self, contexts: Sequence[Context]) -> Tensor:
        """Log-probabilities `(contexts, vocab)` of the proposals at places."""
        return self.models.proposer.model.logits(contexts).log_softmax(-1)
