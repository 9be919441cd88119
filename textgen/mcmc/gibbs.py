"""Gibbs sampling on a masked language model, over ids alone.

苏剑林, 搜出来的文本（三）：基于BERT的文本采样, https://kexue.fm/archives/8119: mask one place, draw its
piece from the model's conditional at temperature 1, put it back. A masked model's conditionals need not
come from one joint law; with a random scan the chain still has a unique stationary law, and that is what
it samples (Goyal et al. 2021, https://arxiv.org/abs/2106.02736).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from textgen.decoding.categorical import invert_cdf
from textgen.models.contracts import MaskedModel
from textgen.rng import uniform

# which of a chain's streams of random numbers a draw comes from
ORDER, FILL, SITE, TOKEN = range(4)
ROWS = 16  # masked copies computed together


@dataclass
class Chain:
    """One Markov chain over texts of fixed length.

    Attributes:
        ids: The present state, frame included.
        free: Places that may change.
        allowed: `(vocab,)`, true for the ids they may take; the conditional is renormalised on them.
        key: Key of its random numbers.
        candidate: Its number among the chains with that key.
        kept: Recorded states, oldest first.
    """

    ids: list[int]
    free: list[int]
    allowed: Tensor
    key: bytes
    candidate: int
    kept: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True)
class GibbsSampler:
    """Random-scan Gibbs sampling.

    Attributes:
        model: What gives the conditionals.
        mask: The mask's id.
        width: Padded length that all rows are computed at, so that a chain's numbers do not depend on
            its neighbours.
    """

    model: MaskedModel
    mask: int
    width: int

    def run(self, chains: Sequence[Chain], *, sweeps: int, burn_in: int, thin: int) -> None:
        """Run the chains; every `thin`-th state after `burn_in` sweeps goes into `kept`.

        A sweep of a chain is as many updates as it has free places. Places that start as masks are first
        filled once each in random order, which is no sweep.
        """
        self._fill(chains)
        for step in range(sweeps * max(len(chain.free) for chain in chains)):
            going = [chain for chain in chains if step < sweeps * len(chain.free)]
            places = [_place(chain, step) for chain in going]
            self._update(going, places, step, TOKEN)
            for chain in going:
                sweep, left = divmod(step + 1, len(chain.free))
                if not left and sweep > burn_in and (sweep - burn_in) % thin == 0:
                    chain.kept.append(list(chain.ids))

    def _fill(self, chains: Sequence[Chain]) -> None:
        orders = [_masked_places(chain, self.mask) for chain in chains]
        for step in range(max(map(len, orders))):
            going = [n for n in range(len(chains)) if step < len(orders[n])]
            self._update([chains[n] for n in going], [orders[n][step] for n in going], step, FILL)

    def _update(self, chains: Sequence[Chain], places: Sequence[int], step: int, stream: int) -> None:
        """Draw one place of every chain from the model's conditional."""
        for chain, place in zip(chains, places, strict=True):
            chain.ids[place] = self.mask
        allowed = torch.stack([chain.allowed for chain in chains])
        logits = self._conditional([chain.ids for chain in chains], places, allowed)
        uniforms = [uniform(chain.key, chain.candidate, step, stream) for chain in chains]
        drawn = invert_cdf(logits.softmax(-1), uniforms).tolist()
        for chain, place, token in zip(chains, places, drawn, strict=True):
            chain.ids[place] = token

    def pseudo_logprob(self, chain: Chain) -> float:
        """Sum over the free places of the log-probability of their piece given all others."""
        rows = [[self.mask if n == place else i for n, i in enumerate(chain.ids)] for place in chain.free]
        total = 0.0
        for start in range(0, len(rows), ROWS):
            places = chain.free[start : start + ROWS]
            logprobs = self._conditional(rows[start : start + ROWS], places, chain.allowed).log_softmax(-1)
            present = torch.tensor([chain.ids[place] for place in places])
            total += float(logprobs.gather(1, present[:, None]).sum())
        return total

    def _conditional(self, rows: Sequence[list[int]], places: Sequence[int], allowed: Tensor) -> Tensor:
        """Restricted logits `(rows, vocab)`, float32."""
        ids = torch.tensor([row + [0] * (self.width - len(row)) for row in rows])
        lengths = torch.tensor([len(row) for row in rows])
        logits = self.model.masked_logits(ids, lengths, torch.tensor(places)).float()
        return logits.masked_fill(~allowed, -torch.inf)


def _place(chain: Chain, step: int) -> int:
    return chain.free[int(uniform(chain.key, chain.candidate, step, SITE) * len(chain.free))]


def _masked_places(chain: Chain, mask: int) -> list[int]:
    masked = [place for place in chain.free if chain.ids[place] == mask]
    return sorted(masked, key=lambda place: uniform(chain.key, chain.candidate, place, ORDER))
