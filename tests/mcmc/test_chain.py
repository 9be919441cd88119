"""The loop of chains with a kernel that counts: who steps when, how warm, and what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from textgen.mcmc.chain import KEPT, Chain, Course, Step, run
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key, uniform

KEY = row_key(1, "counted")


@dataclass(frozen=True)
class Count:
    """A number as a state."""

    number: int
    remembered: bool = True
    log_target: float | None = None

    @property
    def ids(self) -> list[int]:
        return [self.number]

    def lean(self) -> Count:
        return Count(self.number, False, self.log_target)


@dataclass
class Counting:
    """A kernel that goes through given values of log pi, or knows none; every third step is refused."""

    values: Sequence[float] = ()
    temperatures: list[list[float]] = field(default_factory=list)

    def step(self, chains: Sequence[Chain[Count]]) -> list[Step[Count]]:
        self.temperatures.append([chain.temperature for chain in chains])
        return [self._next(chain) for chain in chains]

    def _next(self, chain: Chain[Count]) -> Step[Count]:
        refused = chain.steps % 3 == 2
        value = self.values[chain.steps] if self.values else None
        point = chain.point if refused else Count(chain.point.number + 1, True, value)
        drawn = -1.0 if point.log_target is None else point.log_target
        return Step(point, "count", not refused, not refused, (0, 1), drawn)


def chain(period: int = 1, scale: int = 1) -> Chain[Count]:
    return Chain(KEY, 3, Count(0), period, scale)


def test_chains_make_their_sweeps_at_the_temperature_of_the_sweep() -> None:
    kernel, short, long = Counting(), chain(1), chain(3)
    seen: list[tuple[int, int]] = []
    run(
        kernel,
        [short, long],
        Course(2, schedule=Schedule(4.0, 1.0)),
        lambda one, step: seen.append((one.period, one.steps)),
    )
    assert (short.steps, long.steps) == (2, 6)
    assert kernel.temperatures == [[4.0, 4.0], [1.0, 4.0], [4.0], [1.0], [1.0], [1.0]]
    assert seen == [(1, 1), (3, 1), (1, 2), *((3, n) for n in range(2, 7))]


def test_steps_are_counted_and_points_are_kept_without_memory() -> None:
    one = chain(2, 4)
    run(Counting(), [one], Course(5, 1, 2))
    assert (one.moves.proposed, one.moves.accepted, one.moves.novel) == ({"count": 10}, {"count": 7}, 7)
    assert one.series == [-0.5] * 4  # two draws of -1 a sweep, scaled
    assert [(visit.point, visit.sweep) for visit in one.kept] == [(Count(4, False), 3), (Count(7, False), 5)]
    assert not one.best
    assert one.point.remembered


def test_the_best_texts_are_reportable_and_the_first_of_equals() -> None:
    values = [0.0, 5.0, 9.0, 5.0, 1.0, 9.0, 2.0, 3.0, 9.0]
    one = chain()
    one.reportable = lambda point: point.number != 1
    run(Counting(values), [one], Course(9, thin=0))
    best = [(visit.point.number, visit.point.log_target, visit.sweep) for visit in one.best]
    assert best == [(2, 5.0, 2), (3, 5.0, 4), (6, 3.0, 8), (5, 2.0, 7)]
    assert len(best) == KEPT
    assert not any(visit.point.remembered for visit in one.best)
    assert not one.kept
    assert one.series == [0.0, 5.0, 5.0, 5.0, 1.0, 1.0, 2.0, 3.0, 3.0]


def test_burn_in_holds_for_the_best_too() -> None:
    one = chain()
    run(Counting([9.0, 5.0, 0.0, 1.0]), [one], Course(4, 2))
    assert [(visit.point.number, visit.sweep) for visit in one.best] == [(2, 3), (3, 4)]


@pytest.mark.parametrize(("stream", "number"), [(0, 0), (5, 0), (2, 3)])
def test_random_numbers_are_those_of_the_step(stream: int, number: int) -> None:
    one = chain()
    run(Counting(), [one], Course(4))
    assert one.uniform(stream, number) == uniform(KEY, 3, 4, stream + 8 * number)
    assert one.uniform(stream, number, step=1) == uniform(KEY, 3, 1, stream + 8 * number)
