"""Metropolis-Hastings over edits: replace, insert, delete a piece, or swap two locked spans.

苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194; Miao et al. 2019, CGMH,
https://arxiv.org/abs/1811.10996. Both released codes leave something out of the acceptance and so sample
another law; here the places' counts and the law that is really drawn from, mixture included, enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, log

from torch import Tensor

from textgen.decoding.categorical import invert_cdf
from textgen.mcmc.accept import accepts
from textgen.mcmc.anneal import Schedule
from textgen.mcmc.diagnostics import Moves
from textgen.mcmc.edits import DELETE, INSERT, REPLACE, SWAP, Context, Ids, Operations, State
from textgen.mcmc.proposals import Laws
from textgen.mcmc.target import Point, Target
from textgen.models.contracts import Scored
from textgen.rng import uniform

# which of a chain's streams of random numbers a draw comes from; START is for those who make the chains
MOVE, PLACE, TOKEN, ACCEPT, START = range(5)
MOST_STEPS = 4  # times the steps asked for, for chains that are not yet where they may be reported
KEPT = 4  # best texts of a chain
NOTHING = "none"


@dataclass(frozen=True)
class Choice:
    """A move and where.

    Attributes:
        move: Its name.
        place: The place (replace, delete), the gap (insert), or 0.
        pair: The labels of two spans (swap).
    """

    move: str
    place: int = 0
    pair: tuple[int, int] = (0, 0)

    def context(self, state: State) -> Context:
        """What the law of the piece depends on."""
        return state.at_gap(self.place) if self.move == INSERT else state.around(self.place)

    def apply(self, state: State, token: int) -> State:
        """The state after the move; `token` is what replaces or is inserted."""
        if self.move == REPLACE:
            return state.replaced(self.place, token)
        if self.move == INSERT:
            return state.inserted(self.place, token)
        return state.deleted(self.place) if self.move == DELETE else state.swapped(*self.pair)


def choices(state: State, move: str) -> list[Choice]:
    """Where a move can be made; all of them are equally likely."""
    if move == SWAP:
        return [Choice(move, pair=pair) for pair in state.pairs]
    return [Choice(move, place) for place in (state.gaps if move == INSERT else state.free)]


def log_proposals(
    before: State, after: State, choice: Choice, law: Tensor | None, token: int, operations: Operations
) -> float:
    """log of the reverse proposal's probability, less that of the proposal.

    Args:
        before: The state.
        after: The state that is proposed.
        choice: The move between them.
        law: `(vocab,)`, log-probabilities of the piece at the place; not needed for a swap.
        token: The piece drawn.
        operations: The probabilities of the moves.
    """
    if choice.move == SWAP or law is None:
        return 0.0
    if choice.move == REPLACE:
        return float(law[before.ids[choice.place]] - law[token])
    if choice.move == INSERT:
        back = _log(operations.delete) - log(len(after.free))
        return back - _log(operations.insert) + log(len(before.gaps)) - float(law[token])
    back = _log(operations.insert) - log(len(after.gaps)) + float(law[before.ids[choice.place]])
    return back - _log(operations.delete) + log(len(before.free))


@dataclass(frozen=True)
class Visit:
    """Where a chain was, and the step after which it was there first."""

    point: Point
    step: int


@dataclass
class Chain:
    """One chain.

    Attributes:
        key: Key of its random numbers.
        candidate: Its number among the chains with that key.
        point: Where it is.
        steps: Steps made.
        moves: What became of them.
        energies: log pi after every step.
        best: The best visits to different texts that may be reported, best first, at most `KEPT`.
    """

    key: bytes
    candidate: int
    point: Point
    steps: int = 0
    moves: Moves = field(default_factory=Moves)
    energies: list[float] = field(default_factory=list)
    best: list[Visit] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """What one step of a chain did.

    Attributes:
        chain: The chain, after the step.
        choice: What was tried; None if the move drawn was not possible.
        move: The name of the move drawn.
        accepted: Whether it was made.
        changed: Whether the state is another than before.
    """

    chain: Chain
    choice: Choice | None
    move: str
    accepted: bool
    changed: bool


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
        reportable: Whether a state may be shown.
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
        search: bool = False,
        on_step: Callable[[Step], None] = _unheard,
    ) -> None:
        """Run chains side by side; none depends on the others.

        A chain that is then at no state that may be reported goes on until it is, at most to
        `MOST_STEPS` times as many steps.

        Args:
            chains: From `start`.
            steps: How many steps each makes.
            search: The best state visited counts, not the last one.
            on_step: Told of every step.
        """
        for number in range(steps * MOST_STEPS):
            going = [chain for chain in chains if number < steps or not self._arrived(chain, search)]
            if not going:
                return
            self._step(going, self.schedule.at(number, steps), on_step)

    def _arrived(self, chain: Chain, search: bool) -> bool:
        return bool(chain.best) if search else self.reportable(chain.point.state)

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
                chain.point = point if accepted else chain.point
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
        laws, tokens, parents = self._pieces(tried)
        states = [
            choice.apply(chain.point.state, token)
            for (chain, choice), token in zip(tried, tokens, strict=True)
        ]
        points = self._points([chain for chain, _ in tried], states, parents)
        return [
            (point, self._accepted(chain, choice, point, law, token, temperature))
            for (chain, choice), point, law, token in zip(tried, points, laws, tokens, strict=True)
        ]

    def _pieces(
        self, tried: Sequence[tuple[Chain, Choice]]
    ) -> tuple[list[Tensor | None], list[int], list[Scored]]:
        """For every chain the law of its piece, the piece drawn, and what its next text begins like."""
        rows = [n for n, (_, choice) in enumerate(tried) if choice.move != SWAP]
        laws: list[Tensor | None] = [None] * len(tried)
        tokens = [0] * len(tried)
        parents = [chain.point.scored for chain, _ in tried]
        if not rows:
            return laws, tokens, parents
        contexts = [tried[n][1].context(tried[n][0].point.state) for n in rows]
        found, scored = self.laws.laws(contexts, [parents[n] for n in rows])
        uniforms = [uniform(tried[n][0].key, tried[n][0].candidate, tried[n][0].steps, TOKEN) for n in rows]
        for n, law, token, known in zip(
            rows, found, invert_cdf(found.exp(), uniforms).tolist(), scored, strict=True
        ):
            laws[n], tokens[n] = law, token
            if tried[n][1].move != DELETE:
                parents[n] = known.get(token, parents[n])
        return laws, tokens, parents

    def _points(
        self, chains: Sequence[Chain], states: Sequence[State], parents: Sequence[Scored]
    ) -> list[Point]:
        """Judge the proposed states; one that is the present state is not computed again."""
        found = [chain.point for chain in chains]
        rows = [n for n, state in enumerate(states) if state != found[n].state]
        points = self.target.points([states[n] for n in rows], [parents[n] for n in rows]) if rows else []
        for n, point in zip(rows, points, strict=True):
            found[n] = point
        return found

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
            [*chain.best, Visit(chain.point, chain.steps)], key=lambda visit: -visit.point.log_target
        )
        texts: dict[Ids, Visit] = {}
        for visit in visits:
            texts.setdefault(visit.point.state.ids, visit)
        chain.best = list(texts.values())[:KEPT]


def _log(probability: float) -> float:
    return log(probability) if probability > 0 else -inf
