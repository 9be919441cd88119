"""Diagnostics of chains against what is known of the series."""

from __future__ import annotations

from statistics import fmean, variance

import numpy as np
import pytest
from numpy.typing import NDArray

from textgen.mcmc.diagnostics import Moves, autocorrelation, effective_sample_size, split_rhat


def autoregressive(share: float, chains: int = 4, length: int = 20_000, seed: int = 1) -> NDArray[np.float64]:
    """Stationary AR(1) series of variance 1: x_t = share * x_{t-1} + noise."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((chains, length)) * np.sqrt(1 - share**2)
    found = np.empty_like(noise)
    found[:, 0] = generator.standard_normal(chains)
    for at in range(1, length):
        found[:, at] = share * found[:, at - 1] + noise[:, at]
    return found


@pytest.mark.parametrize("share", [-0.4, 0.0, 0.5, 0.9])
def test_of_an_autoregressive_series(share: float) -> None:
    series = autoregressive(share)
    expected = series.size * (1 - share) / (1 + share)
    assert effective_sample_size(series.tolist()) == pytest.approx(expected, rel=0.1)
    assert split_rhat(series.tolist()) == pytest.approx(1, abs=0.003)
    correlations = autocorrelation(series[0].tolist(), 3)
    assert correlations == pytest.approx([share**lag for lag in range(4)], abs=0.05)


def test_alternating_series_tell_more_than_there_are_but_not_endlessly() -> None:
    series = autoregressive(-0.99, length=2000)
    assert effective_sample_size(series.tolist()) == pytest.approx(8000 * np.log10(8000))


def test_rhat_is_that_of_the_formula() -> None:
    chains = [[1.0, 2.0, 4.0, 3.0], [2.0, 6.0, 5.0, 5.0]]
    halves = [[1, 2], [4, 3], [2, 6], [5, 5]]
    within = fmean(variance(half) for half in halves)
    between = 2 * variance([fmean(half) for half in halves])
    assert split_rhat(chains) == pytest.approx(((within / 2 + between / 2) / within) ** 0.5)


def test_chains_that_disagree_show() -> None:
    series = autoregressive(0.3, length=1000)
    assert split_rhat(series.tolist()) < 1.01
    shifted = series + np.array([0, 0, 0, 3.0])[:, None]
    assert split_rhat(shifted.tolist()) > 1.3
    assert effective_sample_size(shifted.tolist()) < 20
    drifting = series[:1] + np.linspace(0, 4, 1000)  # one chain, its halves disagree
    assert split_rhat(drifting.tolist()) > 1.3


def test_neither_changes_with_scale_and_place() -> None:
    series = autoregressive(0.7, length=500)
    for measure in (split_rhat, effective_sample_size):
        assert measure((series * 1e3 - 70).tolist()) == pytest.approx(measure(series.tolist()), rel=1e-6)


def test_series_are_cut_to_the_shortest() -> None:
    series = autoregressive(0.2, chains=3, length=100).tolist()
    uneven = [series[0], series[1][:60], series[2][:81]]
    for measure in (split_rhat, effective_sample_size):
        assert measure(uneven) == measure([one[:60] for one in series])


def test_of_an_odd_length_the_middle_is_left_out() -> None:
    chains = [[1.0, 2.0, 99.0, 4.0, 3.0], [2.0, 6.0, -99.0, 5.0, 5.0]]
    assert split_rhat(chains) == split_rhat([[1, 2, 4, 3], [2, 6, 5, 5]])


@pytest.mark.parametrize(
    "chains",
    [[], [[]], [[], []], [[1.0]], [[1.0, 2.0, 3.0]], [[2.0] * 10, [2.0] * 10], [[1.0] * 10, [2.0] * 10]],
    ids=str,
)
def test_what_cannot_be_told(chains: list[list[float]]) -> None:
    assert split_rhat(chains) is None
    assert effective_sample_size(chains) is None


def test_autocorrelation_of_little() -> None:
    assert autocorrelation([], 3) == []
    assert autocorrelation([2.0, 2.0, 2.0], 3) == []
    assert autocorrelation([1.0, -1.0, 1.0, -1.0], 9) == pytest.approx([1, -0.75, 0.5, -0.25])


def test_moves_are_counted_by_kind() -> None:
    moves = Moves()
    assert moves.acceptance == {}
    assert moves.novelty == 0
    for move, accepted, changed in [
        ("insert", True, True),
        ("delete", False, False),
        ("insert", False, False),
        ("delete", False, False),
        ("replace", True, False),
    ]:
        moves.count(move, accepted=accepted, changed=changed)
    assert moves.acceptance == {"delete": 0.0, "insert": 0.5, "replace": 1.0}
    assert moves.novelty == pytest.approx(0.2)


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split()]


SERIES = [
    [
        [0.0, -0.3, -0.5, -0.1, -0.5, 0.3, 0.2, 0.0],
        [0.3, -0.8, -1.2, 1.0, -0.3, 0.3, -0.9, 0.4],
    ],
    [
        [-1.3, -2.5, -3.5, -3.4, -3.1, -3.2, -1.9, -0.8, -0.6],
        [-0.5, -2.3, -1.8, -4.1, -3.6, -4.2, -4.6, -4.7, -4.2],
        [-1.9, -1.9, -1.6, -2.0, -3.3, -3.8, -3.4, -3.2, -4.1],
    ],
    [[0.1, 1.4, -0.8, 0.4, 0.3, -0.5, 1.8, 1.6, -0.4, -0.1, 0.5, 0.1]],
    [[0.0, 1.0] * 6, [1.0, 0.0] * 6],
    [
        numbers(
            "1.4 0.9 -0.3 -0.8 -1.4 -2.4 -2.1 -1.6 -1.6 -1.3 -1.3 -1.9 -2.2 -1.4 -2.6 -2.7 -1.4 -1.1 -0.4"
            " -0.5 -1.6 -1.8 -1.5 -1.7 -1.6 -1.3 -0.4 -0.8 0.3 0.1 0.8"
        ),
        numbers(
            "-0.1 -0.2 0.9 0.7 -0.1 1.2 1.9 0.8 0.1 -0.3 -1.6 0.4 -0.8 0.8 0.4 -1.4 -1.2 -1.7 -1.9 -2.6 -0.8"
            " -0.3 -0.7 0.1 -0.1 1.1 1.3 -0.4 0.7 1.1 1.7"
        ),
    ],
]
# arviz 0.23.4: ess(series, method="mean"), and rhat(series, method="split"), which takes two chains or more
BY_ARVIZ = [
    (19.265919722494797, 0.8797696505732083),
    (33.12506980107854, 1.4826047003481864),
    (12.9501749525715, None),
    (33.12506980107854, 0.9128709291752769),
    (9.141859973701603, 1.160786333116866),
]


@pytest.mark.parametrize(("series", "figures"), list(zip(SERIES, BY_ARVIZ, strict=True)))
def test_both_are_those_of_arviz(series: list[list[float]], figures: tuple[float, float | None]) -> None:
    ess, rhat = figures
    assert effective_sample_size(series) == pytest.approx(ess, rel=1e-12)
    assert rhat is None or split_rhat(series) == pytest.approx(rhat, rel=1e-12)


@pytest.mark.parametrize("length", range(1, 10))
def test_fewer_than_eight_draws_have_no_sample_size(length: int) -> None:
    series = [one[:length] for one in SERIES[1]]
    assert (effective_sample_size(series) is None) == (length < 8)
    assert (effective_sample_size([SERIES[1][0], series[1]]) is None) == (length < 8)
    assert (split_rhat(series) is None) == (length < 4)
