"""The distribution of a chain, from the transition matrix of its own kernel, and from runs of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from gibbs_toy import DISTRIBUTIONS, LENGTH, MASK, RANDOM, SCANS, STATES, VALUES, energies, target
from masked import (
    Body,
    chains_at,
    conditionals_of,
    distance,
    frame,
    inconsistent,
    kernel_of,
    masked_point,
    point_at,
    ran,
    random_joint,
    shares,
    states_of,
    stationary,
    sweep_matrix,
    update_matrix,
)

from textgen.mcmc.chain import Course
from textgen.mcmc.gibbs.energy import ProposalDistribution, local, log_ratio, raw
from textgen.mcmc.gibbs.kernel import Drawn, Gibbs
from textgen.mcmc.gibbs.point import Point, Proposal
from textgen.mcmc.scan import Scan
from textgen.mcmc.schedule import Schedule

SLOW = pytest.mark.slow  # long runs: some scans and energies every day, all of them with -m slow
VIEWS = {"raw": raw, "local": local}


def all_points() -> list[Point]:
    return [point_at(state, VALUES) for state in STATES]


@pytest.mark.parametrize(
    ("scan", "free", "distribution"),
    [
        ("random", [1, 2], [0.3725, 0.1275, 0.1275, 0.3725]),
        ("sequential", [1, 2], [0.25, 0.25, 0.25, 0.25]),
        ("sequential", [2, 1], [0.495, 0.005, 0.005, 0.495]),
    ],
)
def test_inconsistent_conditionals_have_a_distribution_for_each_scan(
    scan: str, free: list[int], distribution: list[float]
) -> None:
    states = states_of(2, 2)
    kernel = kernel_of(2, inconsistent, scan=Scan(scan))
    points = [point_at(state, 2, free=free) for state in states]
    wanted = torch.tensor(distribution, dtype=torch.float64)
    assert states == [(0, 0), (0, 1), (1, 0), (1, 1)]
    torch.testing.assert_close(stationary(sweep_matrix(kernel, points)), wanted, atol=1e-12, rtol=0)

    started = chains_at(kernel, point_at([2, 2], 2, free=free), 200)
    ran(kernel, started, Course(20, 6, 2))
    found = shares([visit.point for chain in started for visit in chain.kept], states)
    assert float((found - wanted).abs().max()) < 0.05


@pytest.mark.parametrize(
    "scan", [pytest.param("random", marks=SLOW), pytest.param("sequential", marks=SLOW), "block", "all"]
)
def test_corrected_by_local_energies_all_scans_have_one_distribution(scan: str) -> None:
    kernel = kernel_of(2, inconsistent, scan=Scan(scan, 2), energy=local)
    states = states_of(2, 2)
    wanted = torch.tensor([0.495, 0.005, 0.005, 0.495], dtype=torch.float64)
    found = stationary(sweep_matrix(kernel, [point_at(state, 2) for state in states]))
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)
    chains = ran(kernel, chains_at(kernel, masked_point(2, 2), 150), Course(40, 15, 5))
    visited = shares([visit.point for chain in chains for visit in chain.kept], states)
    assert distance(visited, wanted) < 0.08


@pytest.mark.parametrize("length", [2, pytest.param(3, marks=SLOW)])
def test_consistent_conditionals_give_their_joint_distribution(length: int) -> None:
    joint = random_joint(VALUES, length, seed=length)
    conditional = conditionals_of(joint, frame(VALUES)[3], MASK)
    points = [point_at(state, VALUES) for state in states_of(VALUES, length)]
    for scan in (Scan("random"), Scan("sequential")):
        kernel = kernel_of(VALUES, conditional, scan=scan)
        found = stationary(sweep_matrix(kernel, points))
        torch.testing.assert_close(found, joint.flatten(), atol=1e-12, rtol=0)
    kernel = kernel_of(VALUES, conditional)
    chains = ran(kernel, chains_at(kernel, masked_point(VALUES, length), 250), Course(16, 6))
    visited = shares([visit.point for chain in chains for visit in chain.kept], states_of(VALUES, length))
    assert distance(visited, joint.flatten()) < 0.05
    assert distance(visited, torch.full_like(visited, 1 / len(visited))) > 0.1  # and no other distribution


@pytest.mark.parametrize("scan", [Scan("block", 2), Scan("all")])
def test_without_correction_places_drawn_together_miss_the_joint_distribution(scan: Scan) -> None:
    joint = random_joint(VALUES, LENGTH, seed=3)
    kernel = kernel_of(VALUES, conditionals_of(joint, frame(VALUES)[3], MASK), scan=scan)
    assert distance(stationary(sweep_matrix(kernel, all_points())), joint.flatten()) > 0.01


@pytest.mark.parametrize("distribution", DISTRIBUTIONS[1:], ids=str)
def test_without_correction_the_proposal_distribution_changes_the_distribution(
    distribution: ProposalDistribution,
) -> None:
    plain = stationary(sweep_matrix(kernel_of(VALUES, RANDOM), all_points()))
    bent = stationary(sweep_matrix(kernel_of(VALUES, RANDOM, proposal=distribution), all_points()))
    assert distance(plain, bent) > 0.05


@pytest.mark.parametrize("scan", SCANS, ids=str)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
@pytest.mark.parametrize("name", VIEWS)
def test_the_energys_distribution_is_invariant(
    scan: Scan, distribution: ProposalDistribution, name: str
) -> None:
    kernel = kernel_of(VALUES, RANDOM, scan=scan, proposal=distribution, energy=VIEWS[name])
    step = sweep_matrix(kernel, all_points())
    pi = target(name)
    torch.testing.assert_close(step.sum(1), torch.ones_like(pi), atol=1e-12, rtol=0)
    assert float((pi @ step - pi).abs().max()) < 1e-12
    if not distribution.top_k:
        torch.testing.assert_close(stationary(step), pi, atol=1e-10, rtol=0)


@pytest.mark.parametrize("scan", SCANS[1:], ids=str)
def test_every_update_is_reversible(scan: Scan) -> None:
    kernel = kernel_of(VALUES, RANDOM, scan=scan, proposal=ProposalDistribution(1.3, 2), energy=raw)
    places = {"sequential": [2], "block": [1, 3], "all": [1, 2, 3]}[scan.kind]
    flow = target("raw")[:, None] * update_matrix(kernel, all_points(), places)
    torch.testing.assert_close(flow, flow.T, atol=1e-14, rtol=0)
    assert float(flow.fill_diagonal_(0).sum()) > 0.01  # something moves


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_a_temperature_sharpens_the_distribution(name: str, temperature: float) -> None:
    for scan in (Scan("random"), Scan("all")):
        kernel = kernel_of(VALUES, RANDOM, scan=scan, energy=VIEWS[name])
        step = sweep_matrix(kernel, all_points(), temperature=temperature)
        pi = target(name, temperature)
        assert float((pi @ step - pi).abs().max()) < 1e-12
        assert distance(pi, target(name)) > 0.05


def test_the_two_energies_have_different_distributions() -> None:
    assert distance(target("raw"), target("local")) > 0.05


class NoWayBack(Gibbs):
    """Leaves q out of the ratio."""

    def judge(self, proposals, temperatures):
        judged = super().judge(proposals, temperatures)
        return [(e, log_ratio(p.point.energy, e, 0, 0)) for p, (e, _) in zip(proposals, judged, strict=True)]


class UncutWayBack(Gibbs):
    """Forgets that the token that was there could not have been drawn."""

    def proposed(self, point: Point, places: list[int], drawn: list[Drawn]) -> Proposal:
        uncut = self.conditionals.logits(self.sites(point, places)).log_softmax(-1)
        back = sum(
            float(distribution[point.ids[place]]) for distribution, place in zip(uncut, places, strict=True)
        )
        return replace(super().proposed(point, places, drawn), reverse=back)


class MixedEnergies(Gibbs):
    """Weighs the present state by the one energy, the proposed by the other."""

    def with_energies(self, points):
        return Gibbs.with_energies(replace(self, energy=raw), points)


class SameContexts(Gibbs):
    """Takes the way back from what the present places saw, though all of them have changed."""

    def proposed(self, point: Point, places: list[int], drawn: list[Drawn]) -> Proposal:
        return replace(super().proposed(point, places, drawn), reverse=sum(back for *_, back in drawn))


BROKEN = [
    (NoWayBack, Scan("random"), ProposalDistribution()),
    (NoWayBack, Scan("block", 2), ProposalDistribution()),
    (NoWayBack, Scan("all"), ProposalDistribution()),
    (UncutWayBack, Scan("random"), ProposalDistribution(1.0, 2)),
    (UncutWayBack, Scan("block", 2), ProposalDistribution(1.0, 2)),
    (MixedEnergies, Scan("random"), ProposalDistribution()),
    (SameContexts, Scan("all"), ProposalDistribution()),
]


@pytest.mark.parametrize(("kind", "scan", "distribution"), BROKEN, ids=str)
def test_a_broken_ratio_would_show(kind: type[Gibbs], scan: Scan, distribution: ProposalDistribution) -> None:
    broken = kernel_of(VALUES, RANDOM, kind=kind, scan=scan, proposal=distribution, energy=local)
    pi = target("local")
    assert distance(stationary(sweep_matrix(broken, all_points()), pi), pi) > 0.01


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("scan", [Scan("random"), Scan("block", 2), Scan("all")], ids=str)
def test_a_place_that_is_kept_belongs_to_the_energy(scan: Scan, name: str) -> None:
    kept = [state for state in STATES if state[1] == 2]
    there = torch.tensor([state in kept for state in STATES])
    kernel = kernel_of(VALUES, RANDOM, scan=scan, energy=VIEWS[name])
    distributions = {}
    for scored in ([1, 2, 3], [1, 3]):
        points = [point_at(state, VALUES, free=[1, 3], scored=scored) for state in kept]
        distributions[len(scored)] = stationary(sweep_matrix(kernel, points))
        wanted = (-energies(name, places=[place - 1 for place in scored])[there]).softmax(0)
        torch.testing.assert_close(distributions[len(scored)], wanted, atol=1e-10, rtol=0)
    assert distance(distributions[3], distributions[2]) > 0.01


DAILY = [(SCANS[0], raw), (SCANS[1], None), (SCANS[2], local), (SCANS[3], None), (SCANS[4], raw)]


@pytest.mark.parametrize(
    ("scan", "view"),
    [
        pytest.param(scan, view, marks=() if (scan, view) in DAILY else SLOW)
        for scan in SCANS
        for view in (None, raw, local)
    ],
)
def test_a_sweep_of_a_run_follows_the_matrix(scan: Scan, view) -> None:
    kernel = kernel_of(VALUES, RANDOM, scan=scan, proposal=ProposalDistribution(1.2, 2), energy=view)
    step = sweep_matrix(kernel, all_points())
    chains = ran(kernel, chains_at(kernel, point_at(STATES[14], VALUES), 1200), Course(2))
    for sweep, wanted in enumerate([step[14], (step @ step)[14]]):
        assert distance(shares([chain.kept[sweep].point for chain in chains], STATES), wanted) < 0.07


@pytest.mark.parametrize(
    ("scan", "name"),
    [
        (Scan("random"), "local"),
        (Scan("block", 2), "raw"),
        pytest.param(Scan("random"), "raw", marks=SLOW),
        pytest.param(Scan("block", 2), "local", marks=SLOW),
    ],
)
def test_annealing_finds_the_best_state(scan: Scan, name: str) -> None:
    best = STATES[int(energies(name).argmin())]
    kernel = kernel_of(VALUES, RANDOM, scan=scan, energy=VIEWS[name])
    start = masked_point(VALUES, LENGTH)
    chains = ran(kernel, chains_at(kernel, start, 10), Course(150, schedule=Schedule(5.0, 0.05)))
    assert {tuple(chain.best[0].point.ids[1:-1]) for chain in chains} == {best}
    assert chains[0].best[0].point.energy == pytest.approx(float(energies(name).min()), abs=1e-12)


def test_the_temperature_of_a_run_is_that_of_its_sweep() -> None:
    """Nearly cold from the second sweep on, the chain goes nowhere it would have to climb to."""
    kernel = kernel_of(VALUES, RANDOM, energy=raw)
    course = Course(2, schedule=Schedule(50.0, 1e-4))
    chains = ran(kernel, chains_at(kernel, point_at(STATES[0], VALUES), 300), course)
    climbed = [chain.kept[0].point.energy > chain_energy(STATES[0]) for chain in chains]
    assert sum(climbed) > 30
    assert all(chain.kept[1].point.energy <= chain.kept[0].point.energy + 12 * 1e-4 for chain in chains)


def chain_energy(state: Body) -> float:
    return float(energies("raw")[STATES.index(state)])
