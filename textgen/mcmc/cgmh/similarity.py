"""The similarity of two texts to a masked model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from textgen.mcmc.cgmh.contexts import by_width
from textgen.mcmc.cgmh.edits import Ids, State
from textgen.models.views import MaskedLanguageModel

REMEMBERED = 4096  # sources whose embedding is kept


class Similarity:
    """Cosine of a text's embedding with its source's: the mean of the hidden states over the tokens.

    Args:
        model: The model.
        cls: What it wants before a text.
        sep: What it wants behind it.
        read: Its ids of those of a state, where they are of another vocabulary.
    """

    def __init__(
        self,
        model: MaskedLanguageModel,
        cls: int,
        sep: int,
        read: Callable[[Ids], Ids] = lambda ids: ids,
    ) -> None:
        self.model = model
        self.cls = cls
        self.sep = sep
        self._read = read
        self._of_source = lru_cache(REMEMBERED)(lambda source: self.embeddings([source])[0])

    def values(self, states: Sequence[State]) -> list[float]:
        sources = torch.stack([self._of_source(state.subject.source) for state in states])
        texts = self.embeddings([state.ids for state in states])
        return torch.cosine_similarity(texts, sources).tolist()

    def embeddings(self, texts: Sequence[Ids]) -> Tensor:
        """`(texts, width)`; of an empty text that of its frame."""
        texts = [self._read(tuple(text)) for text in texts]
        rows = [[self.cls, *text, self.sep] for text in texts]
        found: list[Tensor] = [torch.empty(0)] * len(rows)
        for some, ids, lengths in by_width(rows):
            for n, row in zip(some, self.model.encode(ids, lengths), strict=True):
                inner = row[1 : len(rows[n]) - 1] if texts[n] else row[: len(rows[n])]
                found[n] = inner.mean(0)
        return torch.stack(found)
