"""The learning rate rises over a share of the steps, and falls over the others."""

from __future__ import annotations

from math import cos, pi

import pytest

from textgen.train.step.schedule import learning_rate

STEPS, WARMUP = 100, 0.1


def rates(scheduler: str, *, steps: int = STEPS, warmup: float = WARMUP) -> list[float]:
    return [
        learning_rate(step, steps, highest=2.0, warmup=warmup, scheduler=scheduler) for step in range(steps)
    ]


@pytest.mark.parametrize("scheduler", ["linear", "cosine", "constant"])
def test_it_rises_to_the_highest(scheduler: str) -> None:
    found = rates(scheduler)
    assert found[:10] == pytest.approx([2 * (step + 1) / 11 for step in range(10)])
    assert found[10] == pytest.approx(2.0)
    assert max(found) == pytest.approx(2.0)


def test_it_falls_to_nearly_nothing() -> None:
    assert rates("linear")[10:] == pytest.approx([2 * (90 - step) / 90 for step in range(90)])
    assert rates("cosine")[10:] == pytest.approx([1 + cos(pi * step / 90) for step in range(90)])
    assert set(rates("constant")[10:]) == {2.0}


@pytest.mark.parametrize("scheduler", ["linear", "cosine", "constant"])
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 0.99), (2, 0.5), (7, 0.05), (3, 0.999)])
def test_no_step_is_without_learning(scheduler: str, steps: int, warmup: float) -> None:
    assert all(0 < rate <= 2 for rate in rates(scheduler, steps=steps, warmup=warmup))


def test_without_a_rise_it_begins_at_the_highest() -> None:
    for scheduler in ("linear", "cosine", "constant"):
        assert rates(scheduler, warmup=0.0)[0] == 2.0
