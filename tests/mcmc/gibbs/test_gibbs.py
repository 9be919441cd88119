"""Steps and records of Gibbs chains, whatever distribution they sample."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from masked import KEY, TabularMasked, frame, kernel_of, padded, ran, random_conditional

from textgen.mcmc.chain import Chain, Course, Step
from textgen.mcmc.gibbs.energy import Conditionals, ProposalDistribution, local, raw
from textgen.mcmc.gibbs.kernel import Gibbs
from textgen.mcmc.gibbs.point import Point, Template
from textgen.mcmc.scan import Scan
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key

VALUES = 5
MASK, CLS, SEP, SIZE = frame(VALUES)
CONDITIONAL = random_conditional(SIZE, 1)
SETTINGS: list[dict[str, Any]] = [
    {},
    {"scan": Scan("sequential"), "proposal": ProposalDistribution(0.7, 3)},
    {"scan": Scan("block", 2)},
    {"scan": Scan("all")},
    {"energy": raw},
    {"scan": Scan("block", 3), "energy": local},
    {"scan": Scan("all"), "energy": local},
]
ALLOWED = torch.arange(SIZE) < VALUES
FEWER = ALLOWED & ~torch.isin(torch.arange(SIZE), torch.tensor([1, 3]))
OTHER = row_key(3, "another")

Start = tuple[bytes, int, list[int], Template]


def starts() -> list[Start]:
    """Beginnings of chains of several lengths and kinds."""
    return [
        (KEY, 0, [CLS, MASK, MASK, MASK, SEP], Template([1, 2, 3], ALLOWED)),
        (KEY, 1, [CLS, MASK, MASK, MASK, SEP], Template([1, 2, 3], ALLOWED)),
        (KEY, 2, [CLS, 4, 3, 2, 1, 0, 0, SEP], Template([2, 4, 6], FEWER)),
        (OTHER, 0, [CLS, MASK, SEP], Template([1], ALLOWED)),
        (OTHER, 1, [CLS, 1, MASK, 1, MASK, MASK, SEP], Template([1, 2, 4, 5], FEWER)),
        (OTHER, 2, [CLS, 2, 2, 2, 2, 2, SEP], Template([1, 2, 3, 4, 5], ALLOWED)),
    ]


def legal_starts() -> list[Start]:
    """The same, the seeds within what is allowed; of some the fixed places count for the energy."""
    found = starts()
    found[2] = (KEY, 2, [CLS, 4, 0, 2, 2, 0, 0, SEP], found[2][3])
    found[4] = (*found[4][:3], replace(found[4][3], scored=[1, 2, 4, 5]))
    found[5] = (*found[5][:3], Template([2, 4], ALLOWED, [1, 2, 4]))
    return found


def kernel(width: int = 8, **fields: Any) -> Gibbs:
    return kernel_of(VALUES, CONDITIONAL, width, **fields)


def chains_of(using: Gibbs, beginnings: list[Start]) -> list[Chain[Point]]:
    return [using.chain(*beginning) for beginning in beginnings]


def run_from(beginnings: list[Start], course: Course, using: Gibbs | None = None, **listener: Any) -> Any:
    using = using or kernel()
    return ran(using, chains_of(using, beginnings), course, **listener)


def told(chain: Chain[Point]) -> tuple[Any, ...]:
    """All that is recorded of a chain."""
    return chain.point, chain.kept, chain.best, chain.moves, chain.series


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(1.0, 0.2)], ids=str)
@pytest.mark.parametrize("fields", SETTINGS)
def test_chains_together_equal_single_chains(fields: dict[str, Any], schedule: Schedule) -> None:
    course = Course(6, 2, schedule=schedule)
    together = run_from(legal_starts(), course, kernel(**fields))
    alone = [run_from([start], course, kernel(**fields))[0] for start in legal_starts()]
    assert [told(chain) for chain in together] == [told(chain) for chain in alone]
    backwards = run_from(legal_starts()[::-1], course, kernel(16, **fields))
    assert [told(chain) for chain in backwards[::-1]] == [told(chain) for chain in alone]
    assert sum(chain.moves.novel for chain in together) >= 5
    assert any(chain.moves.novel < chain.moves.steps for chain in together)


def test_chains_differ_by_key_and_candidate() -> None:
    ids, template = [CLS, *[MASK] * 6, SEP], Template(list(range(1, 7)), ALLOWED)
    keys = (KEY, row_key(4, "chain"))
    beginnings = [(key, candidate, ids, template) for key in keys for candidate in range(3)]
    chains = run_from(beginnings, Course(3))
    assert len({tuple(tuple(visit.point.ids) for visit in chain.kept) for chain in chains}) == 6
    [again] = run_from(beginnings[2:3], Course(3))
    assert again.kept == chains[2].kept


def test_locked_places_never_change_and_free_ones_do() -> None:
    for chain, (_, _, ids, template) in zip(run_from(starts(), Course(40)), starts(), strict=True):
        for place, token in enumerate(ids):
            found = {visit.point.ids[place] for visit in chain.kept}
            if place in template.free:
                assert len(found) > 1
            else:
                assert found == {token}


def test_banned_ids_never_appear() -> None:
    for chain in run_from(starts(), Course(60)):
        free, allowed = chain.point.template.free, chain.point.template.allowed
        seen = {visit.point.ids[place] for visit in chain.kept for place in free}
        possible = set(allowed.nonzero()[:, 0].tolist())
        assert possible <= seen
        # a seed may hold other ids, until their places are drawn for the first time
        assert {visit.point.ids[place] for visit in chain.kept[20:] for place in free} == possible


def test_the_conditional_is_renormalised_on_the_allowed() -> None:
    """Not drawn again, not clipped: the shares are those of the softmax over what is left."""
    probs = torch.tensor([0.5, 0.25, 0.2, 0.05])
    allowed = torch.tensor([False, True, True, True, False, False, False])
    model = TabularMasked(7, 4, lambda body, place: padded(probs, 7))
    beginnings = [(KEY, candidate, [5, 4, 6], Template([1], allowed)) for candidate in range(4000)]
    chains = run_from(beginnings, Course(1), Gibbs(Conditionals(model, 4, 4)))
    found = torch.tensor([chain.point.ids[1] for chain in chains]).bincount(minlength=4) / 4000
    assert found.tolist() == pytest.approx([0, 0.5, 0.4, 0.1], abs=0.025)


@pytest.mark.parametrize(
    ("sweeps", "burn_in", "thin", "kept"),
    [
        (6, 0, 1, [1, 2, 3, 4, 5, 6]),
        (6, 2, 1, [3, 4, 5, 6]),
        (6, 2, 2, [4, 6]),
        (7, 2, 2, [4, 6]),
        (7, 1, 2, [3, 5, 7]),
        (6, 0, 3, [3, 6]),
        (6, 5, 1, [6]),
        (6, 4, 2, [6]),
        (1, 0, 1, [1]),
    ],
)
def test_burn_in_and_thinning(sweeps: int, burn_in: int, thin: int, kept: list[int]) -> None:
    every = run_from(starts(), Course(7))
    chains = run_from(starts(), Course(sweeps, burn_in, thin))
    for chain, states in zip(chains, every, strict=True):
        assert len(states.kept) == 7
        assert chain.kept == [states.kept[sweep - 1] for sweep in kept]
        assert [visit.sweep for visit in chain.kept] == kept
        assert chain.point == states.kept[sweeps - 1].point
        assert len(chain.series) == sweeps - burn_in
        assert chain.series == states.series[burn_in:sweeps]
    assert len({tuple(visit.point.ids) for visit in every[1].kept}) > 3


def test_a_sweep_has_as_many_updates_as_free_places() -> None:
    """Counted a chain at a time, so that the longer do not give the shorter more."""
    for start in starts():
        _, _, ids, template = start
        masked = sum(ids[place] == MASK for place in template.free)
        alone = kernel()
        run_from([start], Course(5), alone)
        assert len(alone.conditionals.model.calls) == masked + 5 * len(template.free)
    together = kernel()
    run_from(starts(), Course(5), together)
    sizes = [3, 3, 3, 1, 4, 5]
    filling = max(3, 3, 0, 1, 3, 0)
    assert [len(places) for places in together.conditionals.model.calls[filling:]] == [
        sum(5 * size > step for size in sizes) for step in range(25)
    ]


def test_masks_are_filled_once_each_in_random_order() -> None:
    orders = set()
    for candidate in range(40):
        alone = kernel()
        start = (KEY, candidate, [CLS, 1, MASK, MASK, 0, MASK, SEP], Template([2, 3, 5], ALLOWED))
        [chain] = run_from([start], Course(1), alone)
        filled = tuple(places[0] for places in alone.conditionals.model.calls[:3])
        assert sorted(filled) == [2, 3, 5]
        orders.add(filled)
        assert MASK not in chain.point.ids
        assert [chain.point.ids[n] for n in (0, 1, 4, 6)] == [CLS, 1, 0, SEP]
    assert len(orders) == 6


def test_a_mask_at_a_locked_place_stays() -> None:
    [chain] = run_from([(KEY, 0, [CLS, MASK, MASK, SEP], Template([2], ALLOWED))], Course(3))
    assert chain.point.ids[1] == MASK
    assert chain.point.ids[2] != MASK


def test_pseudo_logprob_equals_a_loop_over_the_tables() -> None:
    for ids, template in [
        ([CLS, 4, 2, 2, 2, 0, 0, SEP], Template([2, 4, 6], FEWER)),
        ([CLS, 2, SEP], Template([1], ALLOWED)),
        ([CLS, 2, 2, 4, 2, 0, SEP], Template([1, 2, 3, 4, 5], ALLOWED)),
    ]:
        total = 0.0
        for place in template.free:
            body = tuple(MASK if n == place else token for n, token in enumerate(ids))[1:-1]
            probs = CONDITIONAL(body, place - 1).double().exp() * template.allowed
            total += float((probs[ids[place]] / probs.sum()).log())
        assert kernel().pseudo_logprob(Point(ids, template)) == pytest.approx(total, abs=1e-5)


def test_no_global_random_state_is_touched() -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first = run_from(starts(), Course(2))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())
    torch.manual_seed(5)
    again = run_from(starts(), Course(2))
    assert [chain.kept for chain in again] == [chain.kept for chain in first]


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


@pytest.mark.parametrize(
    ("scan", "sizes"),
    [
        (Scan("random"), [1, 1, 1, 1, 1]),
        (Scan("sequential"), [1, 1, 1, 1, 1]),
        (Scan("block", 2), [2, 2, 1]),
        (Scan("block", 5), [5]),
        (Scan("block", 9), [5]),
        (Scan("block", 1), [1, 1, 1, 1, 1]),
        (Scan("all"), [5]),
    ],
    ids=str,
)
def test_a_sweep_draws_as_many_places_in_every_scan(scan: Scan, sizes: list[int]) -> None:
    assert scan.sizes(5) == sizes
    free = [2, 3, 5, 7, 8]
    draws = itertools.cycle([0.99999, 0.3, 0.0, 0.7])
    for update, size in enumerate(sizes):
        places = scan.places(free, update, lambda _: next(draws))
        assert len(set(places)) == size
        assert places == sorted(places)
        assert set(places) <= set(free)
    [chain] = run_from(starts()[5:], Course(3), kernel(scan=scan, energy=raw))
    assert chain.moves.steps == 3 * len(sizes)


def test_scans_choose_alike_or_in_order() -> None:
    free, grid = [4, 1, 6, 9], [(n + 0.5) / 12 for n in range(12)]
    assert [Scan("sequential").places(free, n, lambda _: 0.9) for n in range(4)] == [[4], [1], [6], [9]]
    random_places = [Scan("random").places(free, 0, [u].__getitem__)[0] for u in grid]
    assert sorted(random_places) == sorted(free * 3)
    pairs = [Scan("block", 2).places(free, 0, [u, v].__getitem__) for u in grid for v in grid]
    counts = {
        pair: sum(found == list(pair) for found in pairs) for pair in itertools.combinations([1, 4, 6, 9], 2)
    }
    assert set(counts.values()) == {24}
