"""Metropolis-Hastings over edits: replace, insert, delete a token, swap two locked spans, or paraphrase.

苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194; Miao et al. 2019, CGMH,
https://arxiv.org/abs/1811.10996. Both released codes leave something out of the acceptance and so sample
another distribution; here the places' counts and the distribution that is really drawn from, mixture
included, enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Protocol

import torch
from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.mcmc.cgmh.edits import DELETE, INSERT, PARAPHRASE, SWAP, Ids, Operations, State
from textgen.mcmc.cgmh.moves import Choice, choices, log_proposals, log_ways
from textgen.mcmc.cgmh.proposals import Proposals
from textgen.mcmc.cgmh.target import Point, Target
from textgen.mcmc.chain import Chain, Step, accepts
from textgen.models.views import Scored

# which of a chain's streams of random numbers a draw comes from; those behind ACCEPT make its first state
MOVE, PLACE, TOKEN, ACCEPT, ORDER, GAP, ADDED = range(7)
SEEN = 512  # points proposed from a point
REMEMBERED = 64  # distributions at places of a point; one is as wide as the vocabulary
NOTHING = "none"

Tried = tuple[Chain[Point], Choice]


class Neighbours(Protocol):
    """The states that are one larger edit away, such as an exchanged word or clauses in another order."""

    def __call__(self, state: State) -> Sequence[State]:
        """The neighbours of a state, each as often as there are ways to it; always the same ones.

        The chain is exact for any such function. One from which no way leads back is never gone to.
        """


def no_neighbours(state: State) -> Sequence[State]:
    """The neighbours of a state where there are none."""
    return ()


@dataclass(frozen=True)
class Cgmh:
    """A kernel that edits texts.

    Attributes:
        target: The distribution to sample.
        proposals: The distribution of the token at a place.
        operations: Probabilities of the moves.
        reportable: Whether a state may be shown. The states that may have the distribution of the target,
            given that they are such: a chain whose last state is none gives no text.
        neighbours: Where a paraphrase may lead.
    """

    target: Target
    proposals: Proposals
    operations: Operations = field(default_factory=Operations)
    reportable: Callable[[State], bool] = lambda state: True
    neighbours: Neighbours = no_neighbours

    def start(self, key: bytes, candidate: int, state: State, *, name: str = "") -> Chain[Point]:
        """A chain at its first state; see `Chain` for the arguments."""
        [point] = self.target.points([state], [None])
        chain = Chain(key, candidate, point, reportable=self.shown, name=name)
        chain.remember(0)
        return chain

    def shown(self, point: Point) -> bool:
        """Whether a point may be shown: its state may, and has a probability."""
        return point.log_target > -inf and self.reportable(point.state)

    def step(self, chains: Sequence[Chain[Point]]) -> list[Step[Point]]:
        """One step of every chain, in few forwards; see `Kernel`."""
        drawn = [self._draw(chain) for chain in chains]
        tried = [(chain, choice) for chain, (_, choice) in zip(chains, drawn, strict=True) if choice]
        outcomes = iter(self._try(tried) if tried else [])
        steps = []
        for chain, (move, choice) in zip(chains, drawn, strict=True):
            proposed, accepted = next(outcomes) if choice else (chain.point, False)
            point = proposed if accepted else chain.point
            changed = point.ids != chain.point.ids
            edited = _edited(choice, chain.point.state, point.state, accepted=accepted) if choice else None
            steps.append(Step(point, move, accepted, changed, edited, point.log_target))
        return steps

    def _draw(self, chain: Chain[Point]) -> tuple[str, Choice | None]:
        """A move and its place; None where it is not possible, which leaves the chain where it is."""
        move = self.operations.choose(chain.uniform(MOVE))
        ways = self._ways(chain.point) if move == PARAPHRASE else ()
        found = choices(chain.point.state, move, ways) if move else []
        if not found:
            return move or NOTHING, None
        at = int(chain.uniform(PLACE) * len(found))
        return found[at].move, found[at]

    def _ways(self, point: Point) -> Sequence[State]:
        """The neighbours of a point, looked for once."""
        if point.memory.ways is None:
            point.memory.ways = self.neighbours(point.state)
        return point.memory.ways

    def _log_ways(self, before: Point, after: State) -> float:
        """See `log_ways`; the neighbours of what is only proposed are not kept, for they are many."""
        found = before.memory.returns.get(after)
        if found is None:
            found = log_ways(before.state, after, self._ways(before), self.neighbours(after))
            if len(before.memory.returns) < SEEN:
                before.memory.returns[after] = found
        return found

    def _try(self, tried: Sequence[Tried]) -> list[tuple[Point, bool]]:
        """Propose and decide for every chain."""
        drawn = self._tokens(tried)
        states = [
            choice.apply(chain.point.state, token)
            for (chain, choice), (_, token) in zip(tried, drawn, strict=True)
        ]
        points = self._points([chain for chain, _ in tried], states)
        return [
            (point, self._accepted(chain, choice, point, distribution, token))
            for (chain, choice), point, (distribution, token) in zip(tried, points, drawn, strict=True)
        ]

    def _tokens(self, tried: Sequence[Tried]) -> list[tuple[Tensor | None, int]]:
        """For every chain the distribution of its token, and the token drawn, where the move draws one."""
        drawn: list[tuple[Tensor | None, int]] = [(None, 0)] * len(tried)
        rows = [n for n, (_, choice) in enumerate(tried) if choice.draws]
        if rows:
            found = self._distributions([tried[n] for n in rows])
            uniforms = [tried[n][0].uniform(TOKEN) for n in rows]
            tokens = invert_cdf(torch.stack(found).exp(), uniforms).tolist()
            for n, distribution, token in zip(rows, found, tokens, strict=True):
                drawn[n] = distribution, token
        return drawn

    def _distributions(self, tried: Sequence[Tried]) -> list[Tensor]:
        """The distributions of the tokens, those known from the same point not computed again."""
        points = [chain.point for chain, _ in tried]
        contexts = [choice.context(chain.point.state) for chain, choice in tried]
        found = [
            point.memory.distributions.get(context) for point, context in zip(points, contexts, strict=True)
        ]
        new = [n for n, known in enumerate(found) if known is None]
        if new:
            parents = [points[n].scored for n in new]
            computed = self.proposals.distributions([contexts[n] for n in new], parents)
            for n, distribution in zip(new, computed, strict=True):
                found[n] = distribution
                if len(points[n].memory.distributions) < REMEMBERED:
                    points[n].memory.distributions[contexts[n]] = distribution.clone()
        return [distribution for distribution in found if distribution is not None]

    def _points(self, chains: Sequence[Chain[Point]], states: Sequence[State]) -> list[Point]:
        """Judge the proposed states, but for the present ones and those judged since the chain moved."""
        found = [
            chain.point if state == chain.point.state else chain.point.memory.proposed.get(state)
            for chain, state in zip(chains, states, strict=True)
        ]
        new = [n for n, point in enumerate(found) if point is None]
        parents = [chains[n].point.scored for n in new]
        points = self.target.points([states[n] for n in new], parents) if new else []
        for n, point in zip(new, points, strict=True):
            found[n] = point
            present = chains[n].point
            # with the memory of the present text, which begins with the same ids: its own would be too much
            kept = Scored(point.scored.logprob, present.scored.memory)
            if len(present.memory.proposed) < SEEN:
                present.memory.proposed[states[n]] = replace(point, scored=kept)
        return [point for point in found if point is not None]

    def _accepted(
        self, chain: Chain[Point], choice: Choice, after: Point, distribution: Tensor | None, token: int
    ) -> bool:
        if after.log_target == -inf:
            return False
        before = chain.point
        ratio = (after.log_target - before.log_target) / chain.temperature
        if choice.move == PARAPHRASE:
            ratio += self._log_ways(before, after.state)
        else:
            ratio += log_proposals(before.state, after.state, choice, distribution, token, self.operations)
        return accepts(ratio, chain.uniform(ACCEPT))


def _edited(choice: Choice, before: State, state: State, *, accepted: bool) -> tuple[int, int]:
    """The edited tokens of the state after the step, from the first to behind the last."""
    if choice.way is not None:
        other = (before if accepted else choice.way).ids
        same = _alike(state.ids, other)
        most = min(len(state.ids), len(other)) - same
        return same, len(state.ids) - min(most, _alike(state.ids[::-1], other[::-1]))
    if choice.move == SWAP:
        spans = [span for span in state.spans if state.labels[span.start] in choice.pair]
        return spans[0].start, spans[-1].stop
    if choice.move == DELETE:
        return choice.place, choice.place + (not accepted)
    return choice.place, choice.place + (accepted or choice.move != INSERT)


def _alike(one: Ids, other: Ids) -> int:
    """The number of tokens that two texts begin with alike."""
    differing = (n for n, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(differing, min(len(one), len(other)))
