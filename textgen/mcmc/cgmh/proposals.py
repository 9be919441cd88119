"""Distributions of the token at an edited place, functions of what stands around it alone.

苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194; Miao et al. 2019, CGMH,
https://arxiv.org/abs/1811.10996. Because the distribution does not depend on the token that is there, it is
the same for a move and its reverse, and enters the acceptance as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from textgen.mcmc.cgmh.edits import Context
from textgen.models.views import Scored, SequenceModel

TEXTS = 64  # scored together
LEAST = -1e100  # a log-probability that can still be multiplied


class ContextModel(Protocol):
    """A model that judges tokens by what stands on both sides of them."""

    def logits(self, contexts: Sequence[Context]) -> Tensor:
        """Raw logits `(contexts, vocab)`."""


class Proposals(Protocol):
    """The distribution of the token at a place."""

    def distributions(self, contexts: Sequence[Context], parents: Sequence[Scored | None]) -> Tensor:
        """The distributions at some places.

        Args:
            contexts: What stands around them.
            parents: For each, a language model's score of a text that begins with the same tokens.

        Returns:
            Log-probabilities `(contexts, vocab)`, float64, normalised, -inf where nothing is drawn.
        """


@dataclass(frozen=True)
class ContextProposals:
    """A context model's distribution, restricted, sharpened, cut off, mixed with one that reaches everything.

    Without the mixture a token outside the best `top_k` could never come or go, and the chain would fall
    into parts.

    Attributes:
        model: Judges the tokens.
        allowed: `(vocab,)`, true for the tokens that may be written.
        temperature: Divides the logits.
        top_k: Only so many tokens are drawn from the model's distribution; 0 is all.
        epsilon: Weight of the unigram distribution in the mixture, in [0, 1].
    """

    model: ContextModel
    allowed: Tensor
    temperature: float = 1.0
    top_k: int = 0
    epsilon: float = 0.0

    @cached_property
    def unigram(self) -> Tensor:
        """The distribution of a token that stands alone."""
        return self._restricted([Context((), ())]).log_softmax(-1)[0]

    def distributions(self, contexts: Sequence[Context], parents: Sequence[Scored | None]) -> Tensor:
        """See `Proposals`; no language model is asked."""
        logits = self._restricted(contexts) / self.temperature
        if 0 < self.top_k < logits.shape[-1]:
            best = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, _ranked(logits, self.top_k), True)
            logits = logits.masked_fill(~best, -torch.inf)
        return self.mixed(logits.log_softmax(-1))

    def candidates(self, contexts: Sequence[Context], count: int) -> Tensor:
        """The best `count` tokens at each place, `(contexts, count)`."""
        return _ranked(self._restricted(contexts), count)

    def mixed(self, distributions: Tensor) -> Tensor:
        """The distributions with their share of the unigram distribution."""
        if not self.epsilon:
            return distributions
        weights = torch.tensor([1 - self.epsilon, self.epsilon], dtype=torch.float64).log()
        return torch.logaddexp(distributions + weights[0], self.unigram + weights[1])

    def _restricted(self, contexts: Sequence[Context]) -> Tensor:
        return self.model.logits(contexts).double().masked_fill(~self.allowed, -torch.inf)


class WeightedProposals:
    """The best candidates at a place, weighted by the probability of the text with them.

    A replacement by one of them is then always accepted, where the target is the language model's power
    alone; it costs a score for each candidate.

    Args:
        proposals: Chooses the candidates, and mixes in the unigram distribution in the end.
        model: The language model.
        power: Exponent of its probability.
        count: Candidates a place.
    """

    def __init__(self, proposals: ContextProposals, model: SequenceModel, power: float, count: int) -> None:
        self.proposals = proposals
        self.model = model
        self.power = power
        self.count = min(count, int(proposals.allowed.sum()))

    def distributions(self, contexts: Sequence[Context], parents: Sequence[Scored | None]) -> Tensor:
        """See `Proposals`."""
        candidates = self.proposals.candidates(contexts, self.count)
        step = max(1, TEXTS // self.count)  # places at once: what is kept of a text is large
        weights = torch.cat(
            [
                self._logprobs(contexts[at : at + step], candidates[at : at + step], parents[at : at + step])
                for at in range(0, len(contexts), step)
            ]
        )
        found = torch.full((len(contexts), len(self.proposals.allowed)), -torch.inf, dtype=torch.float64)
        found.scatter_(-1, candidates, (self.power * weights).log_softmax(-1))
        return self.proposals.mixed(found)

    def _logprobs(
        self, contexts: Sequence[Context], candidates: Tensor, parents: Sequence[Scored | None]
    ) -> Tensor:
        """Log-probabilities of the texts with each candidate, `(contexts, count)`."""
        texts = [
            context.filled(token)
            for context, row in zip(contexts, candidates.tolist(), strict=True)
            for token in row
        ]
        repeated = [parent for parent in parents for _ in range(self.count)]
        scored = self.model.score(texts, repeated, remember=False)
        found = torch.tensor([one.logprob for one in scored], dtype=torch.float64).view(candidates.shape)
        return found.clamp(min=LEAST)  # where nothing is possible, all are equal


def _ranked(logits: Tensor, count: int) -> Tensor:
    """Ids of the best `count` of each row; of equals, the smaller id comes first."""
    return logits.sort(dim=-1, descending=True, stable=True).indices[:, :count]
