"""A masked model whose conditionals are tables, so that its chain's laws can be computed exactly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from textgen.mcmc.gibbs.chain import Chain
from textgen.mcmc.gibbs.energy import Conditionals
from textgen.mcmc.gibbs.sampler import GibbsSampler
from textgen.rng import row_key

Body = tuple[int, ...]  # a state without its frame
Conditional = Callable[[Body, int], Tensor]  # (body masked at a place, that place) -> logits (vocab,)
KEY = row_key(3, "chain")


@dataclass
class TabularMasked:
    """A `MaskedModel` over `<cls>`, a body, `<sep>`.

    Attributes:
        vocab_size: Ids, the mask and the frame included.
        mask: The mask's id.
        conditional: The body, masked at a place, and the place, to raw logits.
        calls: The places looked at, a list a call.
    """

    vocab_size: int
    mask: int
    conditional: Conditional
    calls: list[list[int]] = field(default_factory=list)

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        assert ids.shape[0] == len(lengths) == len(positions)
        self.calls.append(positions.tolist())
        rows = []
        for row, length, position in zip(ids.tolist(), lengths.tolist(), positions.tolist(), strict=True):
            assert row[position] == self.mask
            assert 0 < position < length - 1  # within the frame
            assert not any(row[length:])
            rows.append(self.conditional(tuple(row[1 : length - 1]), position - 1))
        return torch.stack(rows)


def conditionals_of(joint: Tensor, vocab_size: int, mask: int) -> Conditional:
    """p(x_i | the others) of a joint law `(V, ..., V)`; what is masked elsewhere is summed over."""

    @cache
    def conditional(body: Body, place: int) -> Tensor:
        probs = joint
        for axis in reversed(range(joint.dim())):
            if axis != place:
                probs = probs.sum(axis) if body[axis] == mask else probs.select(axis, body[axis])
        return padded(probs / probs.sum(), vocab_size)

    return conditional


def random_joint(values: int, length: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn([values] * length, generator=generator, dtype=torch.float64)
    return logits.flatten().softmax(0).view([values] * length)


def padded(probs: Tensor, vocab_size: int) -> Tensor:
    """Logits of a law over the first ids."""
    return torch.cat([probs, probs.new_zeros(vocab_size - len(probs))]).log()


def random_conditional(vocab_size: int, seed: int) -> Conditional:
    """Normal logits, another draw for every context, each with a zero of its own."""

    @cache
    def conditional(body: Body, place: int) -> Tensor:
        digest = blake2b(repr((seed, body, place)).encode(), digest_size=7).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
        draws = torch.randn(vocab_size + 1, generator=generator, dtype=torch.float64)
        return 1.5 * draws[:-1] + draws[-1]

    return conditional


@cache
def inconsistent(body: Body, place: int) -> Tensor:
    """p(x1 | x2) nearly copies x2, p(x2 | x1) is uniform: no joint law has both."""
    copies = torch.full((2,), 0.5, dtype=torch.float64)
    if place == 0 and body[1] < 2:
        copies = torch.tensor([[0.99, 0.01], [0.01, 0.99]], dtype=torch.float64)[body[1]]
    return padded(copies, 5)


def frame(values: int) -> tuple[int, int, int, int]:
    """The ids above the values: mask, cls, sep, and how many ids there are then."""
    return values, values + 1, values + 2, values + 3


def allowed_ids(values: int) -> Tensor:
    return torch.arange(frame(values)[3]) < values


def chain_at(body: Sequence[int], values: int, *, candidate: int = 0, **fields: Any) -> Chain:
    """A chain of which everything is free, unless told otherwise."""
    _, cls, sep, _ = frame(values)
    places = list(range(1, len(body) + 1))
    given = {"free": places, "allowed": allowed_ids(values), "key": KEY} | fields
    return Chain([cls, *body, sep], candidate=candidate, **given)


def masked_chains(values: int, length: int, count: int) -> list[Chain]:
    """Chains that start from masks only."""
    return [chain_at([values] * length, values, candidate=number) for number in range(count)]


def sampler_of(
    values: int,
    conditional: Conditional,
    width: int = 8,
    kind: type[GibbsSampler] = GibbsSampler,
    **fields: Any,
) -> GibbsSampler:
    mask, _, _, size = frame(values)
    return kind(Conditionals(TabularMasked(size, mask, conditional), mask, width), **fields)


def states_of(values: int, length: int) -> list[Body]:
    return list(itertools.product(range(values), repeat=length))


def update_matrix(
    sampler: GibbsSampler, chains: Sequence[Chain], places: list[int], *, temperature: float = 1.0
) -> Tensor:
    """Transition matrix `(states, states)` of one update of some places, from what the sampler says of every
    possible draw; each chain stands in one of the states."""
    number = {tuple(chain.ids): n for n, chain in enumerate(chains)}
    found = torch.zeros(len(chains), len(chains), dtype=torch.float64)
    sampler.measure(chains)
    for row, chain in enumerate(chains):
        laws = sampler.proposal(sampler.conditionals.logits(sampler.sites(chain, places))).tolist()
        present = [chain.ids[place] for place in places]
        proposals = []
        for tokens in itertools.product(*[range(len(law)) for law in laws]):
            drawn = [
                (token, law[token], law[old]) for token, law, old in zip(tokens, laws, present, strict=True)
            ]
            if all(forward > -torch.inf for _, forward, _ in drawn):
                proposals.append(sampler.proposed(chain, places, drawn))
        judged = sampler.judge(proposals, [temperature] * len(proposals))
        for proposal, (_, ratio) in zip(proposals, judged, strict=True):
            drawn_with = torch.tensor(proposal.forward, dtype=torch.float64).exp()
            kept = torch.tensor(min(0.0, ratio), dtype=torch.float64).exp()
            assert proposal.held or not kept
            found[row, number.get(tuple(proposal.ids), row)] += drawn_with * kept
            found[row, row] += drawn_with * (1 - kept)
    return found


def sweep_matrix(sampler: GibbsSampler, chains: Sequence[Chain], *, temperature: float = 1.0) -> Tensor:
    """Transition matrix of a whole sweep: the places of an update are any that `Scan` could draw."""
    free = chains[0].free
    found = torch.eye(len(chains), dtype=torch.float64)
    for update, size in enumerate(sampler.scan.sizes(len(free))):
        sets = list(itertools.combinations(free, size))
        if sampler.scan.kind == "sequential":
            sets = [(free[update],)]
        one = [update_matrix(sampler, chains, list(places), temperature=temperature) for places in sets]
        found = found @ torch.stack(one).mean(0)
    return found


def stationary(step: Tensor, start: Tensor | None = None) -> Tensor:
    """The law that a chain ends in; from some start, where there are several, and on average."""
    law = torch.full((len(step),), 1 / len(step), dtype=torch.float64) if start is None else start
    lazy = (step + torch.eye(len(step), dtype=torch.float64)) / 2
    for _ in range(40):  # 2**40 steps: some chains hardly ever move
        lazy = lazy @ lazy
        lazy /= lazy.sum(1, keepdim=True)
    return law @ lazy


def law_of(kept: Sequence[Sequence[int]], states: Sequence[Body]) -> Tensor:
    """Shares of the states among recorded ones."""
    number = {state: n for n, state in enumerate(states)}
    counts = torch.tensor([number[tuple(state[1:-1])] for state in kept]).bincount(minlength=len(states))
    return counts.double() / counts.sum()


def distance(one: Tensor, other: Tensor) -> float:
    """Total variation."""
    return float((one - other).abs().sum() / 2)
