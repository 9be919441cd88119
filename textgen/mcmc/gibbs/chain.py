"""Chains of Gibbs sampling: where they are, what they are told to do, and what they record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from torch import Tensor

from textgen.mcmc.diagnostics import Moves
from textgen.rng import uniform

# which of a chain's streams of random numbers a draw comes from; the n-th draw of a step lies n * STREAMS
# behind the first
ORDER, FILL, SITE, TOKEN, LENGTH, ACCEPT = range(6)
STREAMS = 8


@dataclass(frozen=True)
class Visited:
    """A state that a chain was in.

    Attributes:
        ids: The state, frame included.
        sweep: The sweep, from 1, in or after which it was there.
        energy: Its energy; None under plain Gibbs sampling.
    """

    ids: list[int]
    sweep: int
    energy: float | None


@dataclass
class Chain:
    """One Markov chain over texts of fixed length.

    Attributes:
        ids: The present state, frame included.
        free: Places that may change, in the order of a sequential scan.
        allowed: `(vocab,)`, true for the ids they may take; the conditional is renormalised on them.
        key: Key of its random numbers.
        candidate: Its number among the chains with that key.
        scored: Places whose pieces make the energy; None is the free ones. Fixed places belong to it, too,
            since what the model thinks of them depends on the free ones: without them the energy would
            not be that of the text. Their pieces must be allowed.
        opening: `(vocab,)`, true for the ids that masks are first filled with; None is `allowed`.
        possible: Whether the chain may be at some ids; what leads elsewhere is refused.
        energy: That of the present state, where the sampler has one.
        kept: Recorded states, oldest first.
        best: The state of least energy after burn-in, the first of equals.
        moves: What became of the proposals of all sweeps.
        series: For each sweep after burn-in -E at its end, or under plain Gibbs sampling the sum of the
            log-probabilities of what was drawn; divided by the number of places, so that chains of several
            lengths compare.
        drawn: Sum of the log-probabilities of what was drawn so far in the present sweep.
    """

    ids: list[int]
    free: list[int]
    allowed: Tensor
    key: bytes
    candidate: int
    scored: list[int] | None = None
    opening: Tensor | None = None
    possible: Callable[[list[int]], bool] = lambda ids: True
    energy: float | None = None
    kept: list[Visited] = field(default_factory=list)
    best: Visited | None = None
    moves: Moves = field(default_factory=Moves)
    series: list[float] = field(default_factory=list)
    drawn: float = 0.0

    @property
    def weighed(self) -> list[int]:
        """Places whose pieces make the energy."""
        return self.free if self.scored is None else self.scored

    def uniform(self, step: int, stream: int, number: int = 0) -> float:
        """The n-th random number of a step in one of the streams."""
        return uniform(self.key, self.candidate, step, stream + STREAMS * number)

    def record(self, sweep: int, course: Course, *, ended: bool) -> None:
        """Record the state after a step of a sweep, counted from 1, that may be its last."""
        if sweep > course.burn_in and self._is_best:
            self.best = self._visited(sweep)
        if not ended:
            return
        if sweep > course.burn_in:
            whole, places = (self.drawn, self.free) if self.energy is None else (-self.energy, self.weighed)
            self.series.append(whole / len(places))
            if (sweep - course.burn_in) % course.thin == 0:
                self.kept.append(self._visited(sweep))
        self.drawn = 0.0

    @property
    def _is_best(self) -> bool:
        if self.energy is None or self.best is None or self.best.energy is None:
            return self.energy is not None
        return self.energy < self.best.energy

    def _visited(self, sweep: int) -> Visited:
        return Visited(list(self.ids), sweep, self.energy)


@dataclass(frozen=True)
class Proposal:
    """What a chain may turn into.

    Attributes:
        chain: The chain in its present state.
        places: Where it was drawn anew.
        ids: The proposed state.
        forward: log q(proposed | present).
        reverse: log q(present | proposed), a sum over the places; None where only the proposed state
            can tell, as its places do not see what the present ones saw.
    """

    chain: Chain
    places: list[int]
    ids: list[int]
    forward: float
    reverse: float | None

    @property
    def changed(self) -> bool:
        """Whether it differs from the present state."""
        return self.ids != self.chain.ids

    @property
    def held(self) -> bool:
        """Whether the chain may be there."""
        return self.chain.possible(self.ids)

    @property
    def possible(self) -> bool:
        """Whether it may be accepted: there is a way back, or the law does not hold the present state."""
        return self.held and (self.reverse != -inf or self.chain.energy == inf)


@dataclass(frozen=True)
class Update:
    """What one step of a chain did.

    Attributes:
        chain: The chain after it.
        step: The step's number, from 1; filling masks is no step.
        move: The kind of the scan.
        places: Those whose piece changed, or that were tried where none did.
        accepted: Whether the proposal was accepted.
        changed: Whether the state is another one.
        log_target: -E of the state, or the log-probability of what was drawn under plain Gibbs sampling.
    """

    chain: Chain
    step: int
    move: str
    places: list[int]
    accepted: bool
    changed: bool
    log_target: float


@dataclass(frozen=True)
class Course:
    """How long chains run, and what is recorded.

    Attributes:
        sweeps: How many; in each a chain draws as many places as it has free ones.
        burn_in: Sweeps not recorded at the start.
        thin: Record every so many sweeps after that.
        on_update: Told of every step.
    """

    sweeps: int
    burn_in: int = 0
    thin: int = 1
    on_update: Callable[[Update], None] | None = None
