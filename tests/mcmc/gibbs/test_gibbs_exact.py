"""The distribution of a chain, from the transition matrix of its own kernel, and from runs of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from masked import (
    Body,
    Conditional,
    chains_at,
    conditionals_of,
    distance,
    frame,
    inconsistent,
    kernel_of,
    masked_point,
    point_at,
    ran,
    random_conditional,
    random_joint,
    shares,
    states_of,
    stationary,
    sweep_matrix,
    update_matrix,
)
from torch import Tensor

from textgen.mcmc.chain import Course
from textgen.mcmc.gibbs.energy import ProposalDistribution, TokenScores, local, log_ratio, raw
from textgen.mcmc.gibbs.kernel import Drawn, Gibbs
from textgen.mcmc.gibbs.point import Point, Proposal
from textgen.mcmc.scan import Scan
from textgen.mcmc.schedule import Schedule

VALUES, LENGTH = 3, 3
MASK = frame(VALUES)[0]
RANDOM = random_conditional(frame(VALUES)[3], 5)
STATES = states_of(VALUES, LENGTH)
SCANS = [Scan("random"), Scan("sequential"), Scan("block", 2), Scan("block", 5), Scan("all")]
SLOW = pytest.mark.slow  # long runs: some scans and energies every day, all of them with -m slow
DISTRIBUTIONS = [ProposalDistribution(), ProposalDistribution(0.6), ProposalDistribution(1.7, 2)]
VIEWS = {"raw": raw, "local": local}


def energies(
    name: str, conditional: Conditional = RANDOM, places: range | list[int] = range(LENGTH)
) -> Tensor:
    """E of every state, from the tables alone."""
    found = []
    for state in STATES:
        terms = []
        for place in places:
            logits = conditional((*state[:place], MASK, *state[place + 1 :]), place)[:VALUES]
            scores = logits if name == "raw" else logits - logits.exp().sum().log()
            terms.append(-float(scores[state[place]]))
        found.append(sum(terms))
    return torch.tensor(found, dtype=torch.float64)


def target(name: str, temperature: float = 1.0) -> Tensor:
    return (-energies(name) / temperature).softmax(0)


def all_points() -> list[Point]:
    return [point_at(state, VALUES) for state in STATES]


# Gibbs sampling takes the distribution of its scan


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


# corrected, it takes that of the energy


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


# a range of characters: states outside are none


WIDE = (1, 1, 3)  # characters of the values


def inside(ids: list[int]) -> bool:
    return sum(WIDE[i] for i in ids[1:-1]) <= 5


def points_inside() -> tuple[list[Point], Tensor]:
    """A point at each state inside, and which states those are."""
    held = torch.tensor([inside([MASK, *state, MASK]) for state in STATES])
    assert 5 < int(held.sum()) < len(STATES) - 5
    return [point_at(s, VALUES, possible=inside) for s, h in zip(STATES, held, strict=True) if h], held


@pytest.mark.parametrize("scan", SCANS, ids=str)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_in_a_range_the_distribution_is_that_of_the_energy_given_the_range(
    scan: Scan, distribution: ProposalDistribution
) -> None:
    points, held = points_inside()
    step = sweep_matrix(kernel_of(VALUES, RANDOM, scan=scan, proposal=distribution, energy=raw), points)
    pi = target("raw")[held] / target("raw")[held].sum()
    assert float((pi @ step - pi).abs().max()) < 1e-12
    if not distribution.top_k:
        torch.testing.assert_close(stationary(step), pi, atol=1e-10, rtol=0)


def test_in_a_range_consistent_conditionals_give_their_joint_distribution_given_the_range() -> None:
    joint = random_joint(VALUES, LENGTH, seed=LENGTH)
    conditional = conditionals_of(joint, frame(VALUES)[3], MASK)
    points, held = points_inside()
    for scan in (Scan("random"), Scan("sequential")):
        found = stationary(sweep_matrix(kernel_of(VALUES, conditional, scan=scan), points))
        wanted = joint.flatten()[held] / joint.flatten()[held].sum()
        torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("energy", [None, raw])
@pytest.mark.parametrize("scan", SCANS, ids=str)
def test_a_chain_that_starts_from_masks_never_leaves_its_range(
    scan: Scan, energy: TokenScores | None
) -> None:
    kernel = kernel_of(VALUES, RANDOM, scan=scan, energy=energy)
    narrow = torch.arange(frame(VALUES)[3]) < 2
    start = point_at([MASK] * LENGTH, VALUES, opening=narrow, possible=inside)
    seen: list[list[int]] = []
    ran(
        kernel,
        chains_at(kernel, start, 30),
        Course(5),
        on_step=lambda chain, step: seen.append(step.point.ids),
    )
    assert all(inside(ids) for ids in seen)
    assert any(2 in ids for ids in seen)  # wide tokens come, and not all proposals stay


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

    def measured(self, points):
        return Gibbs.measured(replace(self, energy=raw), points)


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


# runs do what the matrices say


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
