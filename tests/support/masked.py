"""A masked model whose conditionals are tables, so that what its chains sample can be computed exactly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from textgen.mcmc.chain import Chain, Course, run
from textgen.mcmc.gibbs.energy import Conditionals
from textgen.mcmc.gibbs.kernel import Gibbs
from textgen.mcmc.gibbs.point import Point, Template
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
    """p(x_i | the others) of a joint distribution `(V, ..., V)`; what is masked elsewhere is summed over."""

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
    """Logits of a distribution over the first ids."""
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
    """p(x1 | x2) nearly copies x2, p(x2 | x1) is uniform: no joint distribution has both."""
    copies = torch.full((2,), 0.5, dtype=torch.float64)
    if place == 0 and body[1] < 2:
        copies = torch.tensor([[0.99, 0.01], [0.01, 0.99]], dtype=torch.float64)[body[1]]
    return padded(copies, 5)


def frame(values: int) -> tuple[int, int, int, int]:
    """The ids above the values: mask, cls, sep, and how many ids there are then."""
    return values, values + 1, values + 2, values + 3


def allowed_ids(values: int) -> Tensor:
    return torch.arange(frame(values)[3]) < values


def point_at(body: Sequence[int], values: int, **fields: Any) -> Point:
    """A point of which everything is free, unless told otherwise."""
    _, cls, sep, _ = frame(values)
    places = list(range(1, len(body) + 1))
    return Point([cls, *body, sep], Template(**{"free": places, "allowed": allowed_ids(values)} | fields))


def chains_at(kernel: Gibbs, point: Point, count: int) -> list[Chain[Point]]:
    """Chains that begin at one point."""
    return [kernel.chain(KEY, number, point.ids, point.template) for number in range(count)]


def ran(kernel: Gibbs, chains: list[Chain[Point]], course: Course, **listener: Any) -> list[Chain[Point]]:
    """The chains, started and run."""
    kernel.start(chains)
    run(kernel, chains, course, **listener)
    return chains


def masked_point(values: int, length: int) -> Point:
    """Masks only."""
    return point_at([values] * length, values)


def kernel_of(
    values: int, conditional: Conditional, width: int = 8, kind: type[Gibbs] = Gibbs, **fields: Any
) -> Gibbs:
    mask, _, _, size = frame(values)
    return kind(Conditionals(TabularMasked(size, mask, conditional), mask, width), **fields)


def states_of(values: int, length: int) -> list[Body]:
    return list(itertools.product(range(values), repeat=length))


def update_matrix(
    kernel: Gibbs, points: Sequence[Point], places: list[int], *, temperature: float = 1.0
) -> Tensor:
    """Transition matrix `(states, states)` of one update of some places, from what the kernel makes of every
    possible draw; each point is at one of the states."""
    number = {tuple(point.ids): n for n, point in enumerate(points)}
    found = torch.zeros(len(points), len(points), dtype=torch.float64)
    for row, point in enumerate(kernel.with_energies(points)):
        drawn_from = kernel.proposal(kernel.conditionals.logits(kernel.sites(point, places))).tolist()
        present = [point.ids[place] for place in places]
        proposals = []
        for tokens in itertools.product(*[range(len(logprobs)) for logprobs in drawn_from]):
            drawn = [
                (token, logprobs[token], logprobs[old])
                for token, logprobs, old in zip(tokens, drawn_from, present, strict=True)
            ]
            if all(forward > -torch.inf for _, forward, _ in drawn):
                proposals.append(kernel.proposed(point, places, drawn))
        judged = kernel.judge(proposals, [temperature] * len(proposals))
        for proposal, (_, ratio) in zip(proposals, judged, strict=True):
            drawn_with = torch.tensor(proposal.forward, dtype=torch.float64).exp()
            kept = torch.tensor(min(0.0, ratio), dtype=torch.float64).exp()
            assert proposal.reachable or not kept
            found[row, number.get(tuple(proposal.ids), row)] += drawn_with * kept
            found[row, row] += drawn_with * (1 - kept)
    return found


def sweep_matrix(kernel: Gibbs, points: Sequence[Point], *, temperature: float = 1.0) -> Tensor:
    """Transition matrix of a whole sweep: the places of an update are any that `Scan` could draw."""
    free = points[0].template.free
    found = torch.eye(len(points), dtype=torch.float64)
    for update, size in enumerate(kernel.scan.sizes(len(free))):
        sets = list(itertools.combinations(free, size))
        if kernel.scan.kind == "sequential":
            sets = [(free[update],)]
        one = [update_matrix(kernel, points, list(places), temperature=temperature) for places in sets]
        found = found @ torch.stack(one).mean(0)
    return found


def stationary(step: Tensor, start: Tensor | None = None) -> Tensor:
    """The distribution that a chain ends in; from some start, where there are several, and on average."""
    even = torch.full((len(step),), 1 / len(step), dtype=torch.float64) if start is None else start
    lazy = (step + torch.eye(len(step), dtype=torch.float64)) / 2
    for _ in range(40):  # 2**40 steps: some chains hardly ever move
        lazy = lazy @ lazy
        lazy /= lazy.sum(1, keepdim=True)
    return even @ lazy


def shares(points: Sequence[Point], states: Sequence[Body]) -> Tensor:
    """Shares of the states among points."""
    number = {state: n for n, state in enumerate(states)}
    counts = torch.tensor([number[tuple(p.ids[1:-1])] for p in points]).bincount(minlength=len(states))
    return counts.double() / counts.sum()


def distance(one: Tensor, other: Tensor) -> float:
    """Total variation."""
    return float((one - other).abs().sum() / 2)
