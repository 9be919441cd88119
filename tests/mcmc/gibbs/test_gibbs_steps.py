"""Steps of Gibbs chains: their energies, and what is reported and counted of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gibbs_chains import (
    CONDITIONAL,
    MASK,
    SETTINGS,
    kernel,
    legal_starts,
    run_from,
    starts,
)

from textgen.mcmc.chain import Chain, Course, Step
from textgen.mcmc.gibbs.energy import ProposalDistribution, local, raw
from textgen.mcmc.gibbs.point import Point
from textgen.mcmc.scan import Scan


def energy_of(point: Point, name: str) -> float:
    """E of a state, by a loop over the tables."""
    total = 0.0
    for place in point.template.energy_places:
        body = tuple(MASK if n == place else token for n, token in enumerate(point.ids))[1:-1]
        logits = CONDITIONAL(body, place - 1).masked_fill(~point.template.allowed, -torch.inf)
        total -= float((logits if name == "raw" else logits.log_softmax(-1))[point.ids[place]])
    return total


@pytest.mark.parametrize("name", ["raw", "local"])
@pytest.mark.parametrize("scan", [Scan("random"), Scan("block", 2), Scan("all")], ids=str)
def test_energies_series_and_the_best_state_are_those_of_the_states(scan: Scan, name: str) -> None:
    points: dict[int, list[Point]] = {}

    def listen(chain: Chain[Point], step: Step[Point]) -> None:
        assert step.point is chain.point
        assert step.log_target == -chain.point.energy
        points.setdefault(id(chain), []).append(chain.point)

    using = kernel(scan=scan, energy={"raw": raw, "local": local}[name])
    for chain in run_from(legal_starts(), Course(9, 3, 2), using, on_step=listen):
        assert chain.point.energy == pytest.approx(energy_of(chain.point, name), abs=1e-9)
        assert [visit.sweep for visit in chain.kept] == [5, 7, 9]
        steps = chain.period
        after = [energy_of(point, name) for point in points[id(chain)]]
        places = len(chain.point.template.energy_places)
        assert chain.series == pytest.approx([-e / places for e in after[steps - 1 :: steps][3:]])
        best = chain.best[0]
        assert best.point.energy == pytest.approx(min(after[3 * steps :]), abs=1e-9)
        first = next(n for n, e in enumerate(after) if n >= 3 * steps and e <= best.point.energy + 1e-9)
        assert best.point.ids == points[id(chain)][first].ids
        assert best.sweep == first // steps + 1
        assert chain.kept[0].point.energy == pytest.approx(energy_of(chain.kept[0].point, name), abs=1e-9)


@pytest.mark.parametrize("fields", SETTINGS)
def test_every_step_is_reported_and_counted(fields: dict[str, Any]) -> None:
    seen: list[tuple[int, Step[Point]]] = []
    using = kernel(**fields)
    start = legal_starts()[2]
    [chain] = run_from(
        [start], Course(7), using, on_step=lambda chain, step: seen.append((chain.steps, step))
    )
    assert [number for number, _ in seen] == list(range(1, 7 * chain.period + 1))
    before, free = start[2], start[3].free
    for _, step in seen:
        differing = [n for n, (a, b) in enumerate(zip(before, step.point.ids, strict=True)) if a != b]
        assert step.move == using.scan.kind
        assert step.changed == bool(differing)
        assert step.accepted or not step.changed
        assert {step.edited[0], step.edited[1] - 1} <= set(free)
        assert not differing or step.edited == (differing[0], differing[-1] + 1)
        before = step.point.ids
    accepted = sum(step.accepted for _, step in seen)
    assert chain.moves.acceptance == {using.scan.kind: accepted / len(seen)}
    assert chain.moves.novelty == sum(step.changed for _, step in seen) / len(seen)
    if using.energy is None:
        assert accepted == len(seen)


def test_plain_chains_report_the_log_probability_of_what_was_drawn() -> None:
    found: list[float] = []
    seen: list[float] = []
    start = legal_starts()[2]
    before = list(start[2])

    def listen(chain: Chain[Point], step: Step[Point]) -> None:
        place, ids = step.edited[0], chain.point.ids
        body = tuple(MASK if n == place else token for n, token in enumerate(before))[1:-1]
        logits = CONDITIONAL(body, place - 1).masked_fill(~start[3].allowed, -torch.inf)
        found.append(float((logits / 0.8).log_softmax(-1)[ids[place]]))
        before[:] = ids
        seen.append(step.log_target)

    using = kernel(proposal=ProposalDistribution(0.8))
    [chain] = run_from([start], Course(4, 1, 1), using, on_step=listen)
    assert seen == pytest.approx(found, abs=1e-9)
    sums = [sum(found[at : at + 3]) / 3 for at in (3, 6, 9)]
    assert chain.series == pytest.approx(sums, abs=1e-9)
    assert chain.point.energy is None
    assert not chain.best
    assert chain.kept[0].point.energy is None


def test_what_stays_or_cannot_go_back_costs_no_energy() -> None:
    """Always the most probable token: a chain soon proposes what is there, or is held by what it lacks."""
    using = kernel(proposal=ProposalDistribution(1.0, 1), energy=raw)
    start = legal_starts()[2]
    [chain] = run_from([start], Course(6), using)
    assert chain.point.ids == start[2]  # no other token could be drawn back
    assert [len(places) for places in using.conditionals.model.calls] == [3] + [1] * 18


def test_a_start_of_no_probability_is_left() -> None:
    start = starts()[2]
    allowed, free = start[3].allowed, start[3].free
    assert not allowed[[start[2][place] for place in free]].all()
    [chain] = run_from([start], Course(20), kernel(energy=local))
    assert all(allowed[chain.point.ids[place]] for place in free)
    assert chain.point.energy < torch.inf


@pytest.mark.parametrize("scan", [Scan("random"), Scan("sequential"), Scan("block", 2), Scan("all")], ids=str)
def test_a_sweep_has_as_many_steps_as_its_scan_has_updates(scan: Scan) -> None:
    [chain] = run_from(starts()[5:], Course(3), kernel(scan=scan, energy=raw))
    assert chain.moves.steps == 3 * len(scan.sizes(5))
