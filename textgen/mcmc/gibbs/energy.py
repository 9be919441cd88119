"""The conditionals of a masked model, and the two energies that are made of them.

Goyal et al. 2021, Exposing the Implicit Energy Networks behind Masked Language Models via
Metropolis-Hastings, https://arxiv.org/abs/2106.02736:

    E_raw(x)   = -sum_t logit_t(x_t | the others)
    E_local(x) = -sum_t log p(x_t | the others)

Logits have a zero of their own in every context, so the two give different distributions: one ratio holds
one of them. Both are over the allowed ids, on which p is renormalised; anything else has infinite energy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from textgen.choice import filters
from textgen.models.padding import padded
from textgen.models.views import MaskedModel

ROWS = 16  # masked copies computed together

# restricted logits (rows, vocab) -> scores (rows, vocab)
TokenScores = Callable[[Tensor], Tensor]


def raw(logits: Tensor) -> Tensor:
    """The scores whose negative sum is E_raw."""
    return logits


def local(logits: Tensor) -> Tensor:
    """The scores whose negative sum is E_local."""
    return logits.log_softmax(-1)


ENERGIES: dict[str, TokenScores] = {"raw": raw, "local": local}


@dataclass(frozen=True)
class ProposalDistribution:
    """log q of the token at a place: the conditional, sharpened and cut off.

    What is cut off depends on the context alone, so it is the same for a move and its reverse.

    Attributes:
        temperature: Divides the logits.
        top_k: Keep the k most probable tokens, and what is as probable as the last; 0 keeps all.
    """

    temperature: float = 1.0
    top_k: int = 0

    def __call__(self, logits: Tensor) -> Tensor:
        kept = filters.top_k(logits, self.top_k) if self.top_k else logits
        return filters.temperature(kept, self.temperature).log_softmax(-1)


@dataclass(frozen=True)
class Site:
    """A masked place.

    Attributes:
        ids: The text, masked there; what else is masked is hidden from it.
        place: The place.
        allowed: `(vocab,)`, true for the ids it may take.
    """

    ids: list[int]
    place: int
    allowed: Tensor


@dataclass(frozen=True)
class Conditionals:
    """A masked model's distributions at masked places.

    Attributes:
        model: The model.
        mask: The mask's id.
        width: Padded length that all rows are computed at, so that a text's numbers do not depend on
            its neighbours.
    """

    model: MaskedModel
    mask: int
    width: int

    def sites(
        self, ids: Sequence[int], places: Sequence[int], allowed: Tensor, *, together: bool = False
    ) -> list[Site]:
        """A site for each place, the places hidden from each other or each on its own copy of the text."""
        hidden = [set(places) if together else {place} for place in places]
        return [
            Site([self.mask if n in some else i for n, i in enumerate(ids)], place, allowed)
            for place, some in zip(places, hidden, strict=True)
        ]

    def logits(self, sites: Sequence[Site]) -> Tensor:
        """Raw logits `(sites, vocab)`, float64; -inf for what is not allowed."""
        ids = padded([site.ids for site in sites], self.width)
        lengths = torch.tensor([len(site.ids) for site in sites])
        places = torch.tensor([site.place for site in sites])
        allowed = torch.stack([site.allowed for site in sites])
        return self.model.masked_logits(ids, lengths, places).double().masked_fill(~allowed, -torch.inf)

    def parts(self, sites: Sequence[Site]) -> Iterator[tuple[slice, Tensor]]:
        """Yield the logits of so many sites a time that they need little memory."""
        for start in range(0, len(sites), ROWS):
            part = slice(start, start + ROWS)
            yield part, self.logits(sites[part])

    def scores(self, sites: Sequence[Site], asked: Sequence[tuple[TokenScores, Sequence[int]]]) -> Tensor:
        """Scores of one token a site.

        Args:
            sites: Masked places.
            asked: Each kind of scores with its token for every site.

        Returns:
            `(asked, sites)`, float64.
        """
        found = [torch.empty(len(asked), 0, dtype=torch.float64)]
        for part, logits in self.parts(sites):
            columns = [score(logits).gather(1, torch.tensor(ids[part])[:, None]) for score, ids in asked]
            found.append(torch.cat(columns, 1).T)
        return torch.cat(found, 1)


def log_ratio(before: float, after: float, forward: float, reverse: float, temperature: float = 1.0) -> float:
    """The logarithm of the Metropolis-Hastings ratio.

    Args:
        before: Energy of the present state; infinite only for a start of no probability, which is left at
            once.
        after: Energy of the proposed state.
        forward: log q(proposed | present).
        reverse: log q(present | proposed); -inf where there is no way back, and then the move is refused.
        temperature: The target is proportional to exp(-E / temperature).
    """
    if before == inf:
        return inf
    if after == inf or reverse == -inf:
        return -inf
    return (before - after) / temperature + reverse - forward
