"""Metropolis-Hastings over edits: replace, insert, delete a token, or swap two locked spans.

苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194; Miao et al. 2019, CGMH,
https://arxiv.org/abs/1811.10996. Both released codes leave something out of the acceptance and so sample
another distribution; here the places' counts and the distribution that is really drawn from, mixture
included, enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import torch
from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.mcmc.cgmh.edits import DELETE, INSERT, SWAP, Operations, State
from textgen.mcmc.cgmh.moves import Choice, choices, log_proposals
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


@dataclass(frozen=True)
class Cgmh:
    """A kernel that edits texts.

    Attributes:
        target: The distribution to sample.
        proposals: The distribution of the token at a place.
        operations: Probabilities of the moves.
        reportable: Whether a state may be shown. The states that may have the distribution of the target,
            given that they are such: a chain whose last state is none gives no text.
    """

    target: Target
    proposals: Proposals
    operations: Operations = field(default_factory=Operations)
    reportable: Callable[[State], bool] = lambda state: True

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
            edited = _edited(choice, point.state, accepted=accepted) if choice else None
            steps.append(Step(point, move, accepted, changed, edited, point.log_target))
        return steps

    def _draw(self, chain: Chain[Point]) -> tuple[str, Choice | None]:
        """A move and its place; None where it is not possible, which leaves the chain where it is."""
        move = self.operations.choose(chain.uniform(MOVE))
        found = choices(chain.point.state, move) if move else []
        if not found:
            return move or NOTHING, None
        at = int(chain.uniform(PLACE) * len(found))
        return found[at].move, found[at]

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
        """For every chain the distribution of its token, and the token drawn; a swap has neither."""
        drawn: list[tuple[Tensor | None, int]] = [(None, 0)] * len(tried)
        rows = [n for n, (_, choice) in enumerate(tried) if choice.move != SWAP]
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
        ratio += log_proposals(before.state, after.state, choice, distribution, token, self.operations)
        return accepts(ratio, chain.uniform(ACCEPT))


def _edited(choice: Choice, state: State, *, accepted: bool) -> tuple[int, int]:
    """The edited tokens of the state after the step, from the first to behind the last."""
    if choice.move == SWAP:
        spans = [span for span in state.spans if state.labels[span.start] in choice.pair]
        return spans[0].start, spans[-1].stop
    if choice.move == DELETE:
        return choice.place, choice.place + (not accepted)
    return choice.place, choice.place + (accepted or choice.move != INSERT)
