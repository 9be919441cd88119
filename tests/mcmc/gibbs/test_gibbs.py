"""Chains of Gibbs sampling, whatever distribution they sample: random numbers, places, records."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from gibbs_chains import (
    ALLOWED,
    CLS,
    CONDITIONAL,
    FEWER,
    MASK,
    SEP,
    SETTINGS,
    kernel,
    legal_starts,
    run_from,
    starts,
    told,
)
from masked import KEY, TabularMasked, padded

from textgen.mcmc.chain import Course
from textgen.mcmc.gibbs.energy import Conditionals
from textgen.mcmc.gibbs.kernel import Gibbs
from textgen.mcmc.gibbs.point import Point, Template
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key


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
