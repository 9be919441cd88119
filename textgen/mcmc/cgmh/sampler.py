"""Metropolis-Hastings over edits: replace, insert, delete a piece, or swap two locked spans.

苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194; Miao et al. 2019, CGMH,
https://arxiv.org/abs/1811.10996. Both released codes leave something out of the acceptance and so sample
another law; here the places' counts and the law that is really drawn from, mixture included, enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import torch
from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.mcmc.acceptance import accepts
from textgen.mcmc.cgmh.chain import Chain, Step, Visit
from textgen.mcmc.cgmh.edits import SWAP, Ids, Operations, State
from textgen.mcmc.cgmh.moves import Choice, choices, log_proposals
from textgen.mcmc.cgmh.proposals import Laws
from textgen.mcmc.cgmh.target import Point, Target
from textgen.mcmc.schedule import Schedule
from textgen.models.views import Scored
from textgen.rng import uniform

# which of a chain's streams of random numbers a draw comes from; those behind ACCEPT make its first state
MOVE, PLACE, TOKEN, ACCEPT, ORDER, GAP, PIECE = range(7)
KEPT = 4  # best texts of a chain
SEEN = 512  # points proposed from a state
REMEMBERED = 64  # laws of a chain; one is as wide as the vocabulary
NOTHING = "none"


def _unheard(step: Step) -> None:
    pass


@dataclass(frozen=True)
class Cgmh:
    """The kernel and its loop.

    Attributes:
        target: The law.
        laws: The law of the piece at a place.
        operations: Probabilities of the moves.
        schedule: Temperatures; the law at T is proportional to exp(log pi / T).
        reportable: Whether a state may be shown. The states that may have the law of the target, given that
            they are such: a chain whose last state is none gives no text.
    """

    target: Target
    laws: Laws
    operations: Operations = field(default_factory=Operations)
    schedule: Schedule = field(default_factory=Schedule)
    reportable: Callable[[State], bool] = lambda state: True

    def start(self, key: bytes, candidate: int, state: State) -> Chain:
        """A chain at its first state."""
        [point] = self.target.points([state], [None])
        chain = Chain(key, candidate, point)
        self._remember(chain)
        return chain

    def run(
        self,
        chains: Sequence[Chain],
        *,
        steps: int,
        on_step: Callable[[Step], None] = _unheard,
    ) -> None:
        """Run chains side by side; none depends on the others.

        Where they are never decides how many steps they make: a chain that was stopped where it may be
        reported would have the law of its arrivals there, not that of the target.

        Args:
            chains: From `start`.
            steps: How many steps each makes.
            on_step: Told of every step.
        """
        for number in range(steps):
            self._step(chains, self.schedule.at(number, steps), on_step)

    def _step(self, chains: Sequence[Chain], temperature: float, on_step: Callable[[Step], None]) -> None:
        """One step of every chain, in few forwards."""
        drawn = [self._draw(chain) for chain in chains]
        tried = [(chain, choice) for chain, (_, choice) in zip(chains, drawn, strict=True) if choice]
        outcomes = iter(self._try(tried, temperature) if tried else [])
        for chain, (move, choice) in zip(chains, drawn, strict=True):
            before = chain.point.state
            accepted = False
            if choice is not None:
                point, accepted = next(outcomes)
                if accepted:
                    chain.move(point)
            changed = chain.point.state.ids != before.ids
            chain.steps += 1
            chain.moves.count(move, accepted=accepted, changed=changed)
            chain.energies.append(chain.point.log_target)
            self._remember(chain)
            on_step(Step(chain, choice, move, accepted, changed))

    def _draw(self, chain: Chain) -> tuple[str, Choice | None]:
        """A move and its place; None where it is not possible, which leaves the chain where it is."""
        move = self.operations.choose(uniform(chain.key, chain.candidate, chain.steps, MOVE))
        found = choices(chain.point.state, move) if move else []
        if not found:
            return move or NOTHING, None
        at = int(uniform(chain.key, chain.candidate, chain.steps, PLACE) * len(found))
        return found[at].move, found[at]

    def _try(self, tried: Sequence[tuple[Chain, Choice]], temperature: float) -> list[tuple[Point, bool]]:
        """Propose and decide for every chain."""
        laws, tokens = self._pieces(tried)
        states = [
            choice.apply(chain.point.state, token)
            for (chain, choice), token in zip(tried, tokens, strict=True)
        ]
        points = self._points([chain for chain, _ in tried], states)
        return [
            (point, self._accepted(chain, choice, point, law, token, temperature))
            for (chain, choice), point, law, token in zip(tried, points, laws, tokens, strict=True)
        ]

    def _pieces(self, tried: Sequence[tuple[Chain, Choice]]) -> tuple[list[Tensor | None], list[int]]:
        """For every chain the law of its piece, and the piece drawn; a swap has neither."""
        rows = [n for n, (_, choice) in enumerate(tried) if choice.move != SWAP]
        laws: list[Tensor | None] = [None] * len(tried)
        tokens = [0] * len(tried)
        if not rows:
            return laws, tokens
        found = self._laws([tried[n] for n in rows])
        uniforms = [uniform(tried[n][0].key, tried[n][0].candidate, tried[n][0].steps, TOKEN) for n in rows]
        drawn = invert_cdf(torch.stack(found).exp(), uniforms).tolist()
        for n, law, token in zip(rows, found, drawn, strict=True):
            laws[n], tokens[n] = law, token
        return laws, tokens

    def _laws(self, tried: Sequence[tuple[Chain, Choice]]) -> list[Tensor]:
        """The laws of the pieces, those known from the same state not computed again."""
        contexts = [choice.context(chain.point.state) for chain, choice in tried]
        found = [chain.laws.get(context) for (chain, _), context in zip(tried, contexts, strict=True)]
        new = [n for n, law in enumerate(found) if law is None]
        if new:
            laws = self.laws.laws([contexts[n] for n in new], [tried[n][0].point.scored for n in new])
            for n, law in zip(new, laws, strict=True):
                found[n] = law
                if len(tried[n][0].laws) < REMEMBERED:
                    tried[n][0].laws[contexts[n]] = law.clone()
        return [law for law in found if law is not None]

    def _points(self, chains: Sequence[Chain], states: Sequence[State]) -> list[Point]:
        """Judge the proposed states, but for the present ones and those judged since the chain moved."""
        found = [
            chain.point if state == chain.point.state else chain.seen.get(state)
            for chain, state in zip(chains, states, strict=True)
        ]
        new = [n for n, point in enumerate(found) if point is None]
        parents = [chains[n].point.scored for n in new]
        points = self.target.points([states[n] for n in new], parents) if new else []
        for n, point in zip(new, points, strict=True):
            found[n] = point
            # with the memory of the present text, which begins alike: its own would be too much to keep
            kept = Scored(point.scored.logprob, chains[n].point.scored.memory)
            if len(chains[n].seen) < SEEN:
                chains[n].seen[states[n]] = replace(point, scored=kept)
        return [point for point in found if point is not None]

    def _accepted(
        self, chain: Chain, choice: Choice, after: Point, law: Tensor | None, token: int, temperature: float
    ) -> bool:
        if after.log_target == -inf:
            return False
        before = chain.point
        ratio = (after.log_target - before.log_target) / temperature
        ratio += log_proposals(before.state, after.state, choice, law, token, self.operations)
        return accepts(ratio, uniform(chain.key, chain.candidate, chain.steps, ACCEPT))

    def _remember(self, chain: Chain) -> None:
        value = chain.point.log_target
        full = len(chain.best) == KEPT
        if value == -inf or (full and value <= chain.best[-1].point.log_target):
            return
        if not self.reportable(chain.point.state):
            return
        # of equally good visits the first, and each text once, where its locks lie best
        visits = sorted(
            [*chain.best, Visit(_light(chain.point), chain.steps)], key=lambda visit: -visit.point.log_target
        )
        texts: dict[Ids, Visit] = {}
        for visit in visits:
            texts.setdefault(visit.point.state.ids, visit)
        chain.best = list(texts.values())[:KEPT]


def _light(point: Point) -> Point:
    """A point without its language model's memory, which is of no use once the chain has moved on."""
    return replace(point, scored=Scored(point.scored.logprob))
