"""A rate takes about as long as it is to take, on any machine."""

from __future__ import annotations

import pytest

from textgen.bench.timing import rate


class Machine:
    """Does a unit of work in some seconds, after a start of some more."""

    def __init__(self, unit: float, start: float = 0.0) -> None:
        self.unit, self.start = unit, start
        self.now = 100.0
        self.sizes: list[int] = []

    def run(self, size: int) -> float:
        self.sizes.append(size)
        self.now += self.start + self.unit * size
        return 2 * size  # two things a unit

    def rate(self, most: int, seconds: float) -> float:
        return rate(self.run, most, seconds, lambda: self.now)


@pytest.mark.parametrize("unit", [1e-3, 0.1, 0.9, 1.4, 5.0])
@pytest.mark.parametrize("most", [1, 4, 1000])
def test_it_is_exact_where_nothing_but_the_work_takes_time(unit: float, most: int) -> None:
    machine = Machine(unit)
    assert machine.rate(most, 3.0) == pytest.approx(2 / unit)
    assert max(machine.sizes) <= most
    assert machine.now - 100 <= max(3.0, unit) + 1e-9


def test_what_a_run_takes_to_start_counts_less_in_larger_ones() -> None:
    machine = Machine(0.01, start=0.05)
    assert machine.rate(100, 3.0) > 2 / 0.012
    assert machine.sizes[0] == 1, "which warms up, and does not count"
    assert machine.now - 100 <= 3.0


def test_of_a_machine_that_is_too_slow_one_run_is_all() -> None:
    machine = Machine(60.0)
    assert machine.rate(4, 3.0) == pytest.approx(2 / 60)
    assert machine.sizes == [1]
