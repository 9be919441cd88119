"""Markov chains, and the loop that runs them with a kernel.

As in BlackJAX (https://github.com/blackjax-devs/blackjax) a kernel takes the points of chains and returns
the next ones with information about the step. Counting and recording are the same for all kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Generic, Protocol, Self, TypeVar

from textgen.mcmc.diagnostics import Moves
from textgen.mcmc.schedule import Schedule
from textgen.rng import uniform

KEPT = 4  # best texts of a chain
STREAMS = 8  # streams of random numbers of a chain, at most


class Point(Protocol):
    """A state, with what is known of its probability."""

    @property
    def ids(self) -> Sequence[int]:
        """The tokens of the state."""

    @property
    def log_target(self) -> float | None:
        """log pi, up to a constant; None where the kernel does not know the distribution that it samples."""

    def lean(self) -> Self:
        """The point without what a kernel remembers of it: what is worth recording."""


P = TypeVar("P", bound=Point)


@dataclass(frozen=True)
class Visit(Generic[P]):
    """A recorded point, and the sweep, from 1, in which the chain was there; 0 is before the first."""

    point: P
    sweep: int


@dataclass(frozen=True)
class Step(Generic[P]):
    """The result of one step of a chain.

    Attributes:
        point: The point after it.
        move: The name of the proposed move.
        accepted: Whether the proposal was accepted.
        changed: Whether the tokens are others than before.
        edited: The first of the tokens that were edited, or would have been, and the one behind the last, in
            the state after the step; None if the move was not possible.
        log_target: log pi of the point, or, where that is not known, the log-probability of what was drawn.
    """

    point: P
    move: str
    accepted: bool
    changed: bool
    edited: tuple[int, int] | None
    log_target: float


@dataclass(frozen=True)
class Course:
    """The length of a run, and what is recorded of it.

    Attributes:
        sweeps: How many.
        burn_in: Sweeps not recorded at the start.
        thin: Keep the point after every so many sweeps behind those; 0 keeps none.
        schedule: Temperatures over the sweeps: 1 for a sample, falling for a search.
    """

    sweeps: int
    burn_in: int = 0
    thin: int = 1
    schedule: Schedule = field(default_factory=Schedule)


@dataclass
class Chain(Generic[P]):
    """One Markov chain.

    Attributes:
        key: Key of its random numbers.
        candidate: Its number among the chains with that key.
        point: Where it is.
        period: Steps of a sweep.
        scale: Divides the series, so that chains of several lengths compare.
        reportable: Whether a point may be among the best.
        name: What listeners call the text that it is for.
        temperature: That of the next step; the kernel samples pi to the power of its inverse.
        steps: Steps made.
        moves: Counts of its proposals.
        series: For each sweep after burn-in log pi at its end, or, where that is not known, the
            log-probability of all that was drawn in it; scaled.
        kept: Recorded visits, oldest first.
        best: Visits after burn-in to the best texts, best first, at most `KEPT`; of equals the first.
    """

    key: bytes
    candidate: int
    point: P
    period: int = 1
    scale: int = 1
    reportable: Callable[[P], bool] = lambda point: True
    name: str = ""
    temperature: float = 1.0
    steps: int = 0
    moves: Moves = field(default_factory=Moves)
    series: list[float] = field(default_factory=list)
    kept: list[Visit[P]] = field(default_factory=list)
    best: list[Visit[P]] = field(default_factory=list)
    _drawn: float = 0.0  # the sum of the present sweep's log-probabilities

    def uniform(self, stream: int, number: int = 0, *, step: int | None = None) -> float:
        """The n-th random number of a step, by default the next one, in one of the streams."""
        return uniform(
            self.key, self.candidate, self.steps if step is None else step, stream + STREAMS * number
        )

    def take(self, step: Step[P], course: Course) -> None:
        """Go where a step leads; count and record it."""
        self.point = step.point
        self.moves.count(step.move, accepted=step.accepted, changed=step.changed)
        self._drawn += step.log_target
        sweep = self.steps // self.period + 1
        self.steps += 1
        ended = self.steps % self.period == 0
        if sweep > course.burn_in:
            self.remember(sweep)
            if ended:
                value = self.point.log_target
                self.series.append((self._drawn if value is None else value) / self.scale)
                if course.thin and (sweep - course.burn_in) % course.thin == 0:
                    self.kept.append(Visit(self.point.lean(), sweep))
        if ended:
            self._drawn = 0.0

    def remember(self, sweep: int) -> None:
        """Put the present point among the best, if it is one of them; each text once, at its best."""
        value = self.point.log_target
        least = self.best[-1].point.log_target if len(self.best) == KEPT else None
        if value is None or (least is not None and value <= least) or not self.reportable(self.point):
            return
        visits = [*self.best, Visit(self.point.lean(), sweep)]
        texts: dict[tuple[int, ...], Visit[P]] = {}
        for visit in sorted(visits, key=lambda visit: -(visit.point.log_target or 0.0)):
            texts.setdefault(tuple(visit.point.ids), visit)
        self.best = list(texts.values())[:KEPT]


class Kernel(Protocol[P]):
    """A way to make the next step of chains."""

    def step(self, chains: Sequence[Chain[P]]) -> list[Step[P]]:
        """One step of every chain, from its point, at its temperature; the chains stay as they are."""


def run(
    kernel: Kernel[P],
    chains: Sequence[Chain[P]],
    course: Course,
    on_step: Callable[[Chain[P], Step[P]], None] = lambda chain, step: None,
) -> None:
    """Run chains side by side; none depends on the others.

    Where they are never decides how many steps they make: a chain that was stopped where it may be reported
    would have the distribution of its arrivals there, not that of the target.

    Args:
        kernel: Makes the steps.
        chains: At their first points.
        course: How long they run.
        on_step: Told of every step once the chain has taken it.
    """
    for number in range(course.sweeps * max((chain.period for chain in chains), default=0)):
        going = [chain for chain in chains if number < course.sweeps * chain.period]
        for chain in going:
            chain.temperature = course.schedule.at(number // chain.period, course.sweeps)
        for chain, step in zip(going, kernel.step(going), strict=True):
            chain.take(step, course)
            on_step(chain, step)


def accepts(log_ratio: float, uniform: float) -> bool:
    """Accept with probability min(1, exp(log_ratio)).

    Metropolis et al. 1953; Hastings 1970, https://doi.org/10.1093/biomet/57.1.97; 苏剑林,
    搜出来的文本（二）：从MCMC到模拟退火, https://kexue.fm/archives/8084.

    Args:
        log_ratio: log of pi(y) q(x|y) / (pi(x) q(y|x)); -inf is never accepted.
        uniform: A number on [0, 1).
    """
    return uniform < exp(min(0.0, log_ratio))
