"""Models that judge the token at a place by what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.mcmc.cgmh.edits import Context
from textgen.models.layers.attention import padded_length
from textgen.models.padding import read_together
from textgen.models.views import Ids, MaskedModel, NextTokenModel


@dataclass(frozen=True)
class MaskedContext:
    """A masked model, which looks at both sides at once.

    Attributes:
        model: The model.
        cls: What it wants before a text.
        sep: What it wants behind it.
        mask: What stands at the place.
    """

    model: MaskedModel
    cls: int
    sep: int
    mask: int

    def logits(self, contexts: Sequence[Context]) -> Tensor:
        """Raw logits `(contexts, vocab)`."""
        rows = [[self.cls, *context.filled(self.mask), self.sep] for context in contexts]
        found = torch.empty(len(rows), self.model.vocab_size)
        for some, ids, lengths in by_width(rows):
            places = torch.tensor([1 + len(contexts[n].left) for n in some])
            found[some] = self.model.masked_logits(ids, lengths, places).float()
        return found


@dataclass(frozen=True)
class ForwardContext:
    """A model that writes from left to right, and looks at the left side alone.

    Attributes:
        model: The model.
        source: What it reads before the text.
        first: What it wants at the beginning of a text.
    """

    model: NextTokenModel
    source: Ids
    first: Ids

    def logits(self, contexts: Sequence[Context]) -> Tensor:
        """Log-probabilities `(contexts, vocab)`."""
        return self.after([context.left for context in contexts])

    def after(self, texts: Sequence[Ids]) -> Tensor:
        """Log-probabilities `(texts, vocab)` of what follows texts."""
        rows = [[*self.first, *text] for text in texts]
        found = torch.empty(len(rows), self.model.vocab_size)
        for some, ids, lengths in by_width(rows):
            logits = self.model.extend(self.model.start([self.source] * len(some)), ids)
            found[some] = logits[torch.arange(len(some)), lengths - 1].float().log_softmax(-1)
        return found


@dataclass(frozen=True)
class TwoWayContext:
    """Two models that write towards each other: the product of what each expects at the place.

    Attributes:
        forward: From the left.
        backward: From the right, over reversed texts.
    """

    forward: ForwardContext
    backward: ForwardContext

    def logits(self, contexts: Sequence[Context]) -> Tensor:
        """Sums of both log-probabilities, `(contexts, vocab)`."""
        behind = self.backward.after([context.right[::-1] for context in contexts])
        return self.forward.logits(contexts) + behind


def by_width(rows: Sequence[Ids]) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Yield the rows of each padded length: their numbers, their ids as one tensor, their lengths."""
    found: dict[int, list[int]] = {}
    for n, row in enumerate(rows):
        found.setdefault(padded_length(len(row)), []).append(n)
    for some in found.values():
        yield some, *read_together([rows[n] for n in some])
