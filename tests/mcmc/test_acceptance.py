"""Acceptance, and temperatures that fall."""

from __future__ import annotations

from math import inf, log, nextafter

import pytest

from textgen.mcmc.chain import accepts
from textgen.mcmc.schedule import Schedule


@pytest.mark.parametrize("ratio", [0.0, 1e-9, 3.0, 1e6, inf])
def test_what_is_no_worse_is_always_accepted(ratio: float) -> None:
    assert accepts(ratio, 0.0)
    assert accepts(ratio, nextafter(1.0, 0.0))


@pytest.mark.parametrize("share", [0.9, 0.25, 1e-6])
def test_what_is_worse_is_accepted_with_the_probability_of_the_ratio(share: float) -> None:
    assert accepts(log(share), share * 0.999)
    assert not accepts(log(share), share * 1.001)
    accepted = sum(accepts(log(share), (n + 0.5) / 1000) for n in range(1000))
    assert accepted == pytest.approx(1000 * share, abs=1)


@pytest.mark.parametrize("ratio", [-inf, -1e6])
def test_what_is_impossible_is_never_accepted(ratio: float) -> None:
    assert not accepts(ratio, 0.0)


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (Schedule(2.0, 1.0), [2.0, 1.75, 1.5, 1.25, 1.0]),
        (Schedule(1.6, 0.1, kind="geometric"), [1.6, 0.8, 0.4, 0.2, 0.1]),
        (Schedule(), [1.0] * 5),
        (Schedule(0.5, 0.5, kind="geometric"), [0.5] * 5),
    ],
    ids=str,
)
def test_temperatures_fall_from_the_first_to_the_last(schedule: Schedule, wanted: list[float]) -> None:
    assert [schedule.at(step, 5) for step in range(5)] == pytest.approx(wanted)
    assert schedule.at(7, 5) == pytest.approx(wanted[-1])
    assert schedule.at(0, 1) == pytest.approx(wanted[-1])  # all that one step can do
