"""Passages with blanks, and how well they read with something in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from textgen.backends.editing.models import ChainModels
from textgen.mcmc.cgmh.edits import Context, Ids
from textgen.text.segment import sentences

BEFORE, BEHIND = 80, 40  # characters beside the blanks, and up to the end of a sentence, that are looked at
BESIDE = 2  # tokens on each side of a blank that are judged by what fills it
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

    def beside(self, fills: Fills) -> list[int]:
        """The given places that stand close to a blank."""
        found: set[int] = set()
        written: set[int] = set()
        at = 0
        for part, fill in zip(self.given, (*fills, ()), strict=True):
            at += len(part)
            written |= set(range(at, at + len(fill)))
            found |= set(range(at - BESIDE, at)) | set(range(at + len(fill), at + len(fill) + BESIDE))
            at += len(fill)
        end = at - len(self.given[-1])  # behind the last part there is no blank
        return sorted(place for place in found - written if 0 <= place < min(at, end + BESIDE))


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
    """Tells how well passages read: to a language model, and to the proposals about what was given.

    BERT's own opinion of what stands in a blank adds nothing to the language model's; what it thinks of the
    words beside does, a little.

    Attributes:
        models: The models.
    """

    models: ChainModels

    def logprobs(self, texts: Sequence[Ids]) -> list[float]:
        """Log-probabilities of texts, their end included."""
        score = self.models.language_model.score
        # what all of them begin with is computed once
        [parent] = score(texts[:1], [None]) if len(texts) > 1 else [None]
        found: list[float] = []
        for at in range(0, len(texts), ROWS):
            some = texts[at : at + ROWS]
            scored = score(some, [parent] * len(some), remember=False)
            found += [one.logprob for one in scored]
        return found

    def fluency(self, passage: Passage, all_fills: Sequence[Fills]) -> list[float]:
        """How well the passage reads by the language model; longer fills are no worse for their length."""
        logprobs = self.logprobs([passage.ids(fills) for fills in all_fills])
        sizes = (sum(map(self.models.measure, fills)) for fills in all_fills)
        return [logprob + LENGTH * size for logprob, size in zip(logprobs, sizes, strict=True)]

    def support(self, passage: Passage, all_fills: Sequence[Fills]) -> list[float]:
        """How well what was given close to the blanks goes with what fills them."""
        asked = []
        for n, fills in enumerate(all_fills):
            ids = passage.ids(fills)
            for place in passage.beside(fills):
                asked.append((n, Context(ids[:place], ids[place + 1 :]), ids[place]))
        found = [0.0] * len(all_fills)
        for at in range(0, len(asked), ROWS):
            some = asked[at : at + ROWS]
            logprobs = self.expected([context for _, context, _ in some])
            for row, (n, _, token) in zip(logprobs, some, strict=True):
                found[n] += CONTEXT * float(row[token])
        return found

    def expected(self, contexts: Sequence[Context]) -> Tensor:
        """Log-probabilities `(contexts, vocab)` of the proposals at places."""
        return self.models.proposer.model.logits(contexts).log_softmax(-1)
