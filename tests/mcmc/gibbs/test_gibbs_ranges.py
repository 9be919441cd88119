"""The distribution of chains whose texts have a range of lengths."""

from __future__ import annotations

import pytest
import torch
from gibbs_toy import DISTRIBUTIONS, LENGTH, MASK, RANDOM, SCANS, STATES, VALUES, target
from masked import (
    chains_at,
    conditionals_of,
    frame,
    kernel_of,
    point_at,
    ran,
    random_joint,
    stationary,
    sweep_matrix,
)
from torch import Tensor

from textgen.mcmc.chain import Course
from textgen.mcmc.gibbs.energy import ProposalDistribution, TokenScores, raw
from textgen.mcmc.gibbs.point import Point
from textgen.mcmc.scan import Scan

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
