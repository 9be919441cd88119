"""What a chain does, and keeps, whatever law it samples."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
import torch
from masked import KEY, TabularMasked, frame, padded, random_conditional, sampler_of

from textgen.mcmc.gibbs.chain import Chain, Course, Update
from textgen.mcmc.gibbs.energy import Conditionals, ProposalLaw, local, raw
from textgen.mcmc.gibbs.sampler import GibbsSampler
from textgen.mcmc.scan import Scan
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key

VALUES = 5
MASK, CLS, SEP, SIZE = frame(VALUES)
CONDITIONAL = random_conditional(SIZE, 1)
SETTINGS: list[dict[str, Any]] = [
    {},
    {"scan": Scan("sequential"), "proposal": ProposalLaw(0.7, 3)},
    {"scan": Scan("block", 2)},
    {"scan": Scan("all")},
    {"energy": raw},
    {"scan": Scan("block", 3), "energy": local, "schedule": Schedule(1.0, 0.2)},
    {"scan": Scan("all"), "energy": local},
]


def some_chains() -> list[Chain]:
    """Chains of several lengths and kinds."""
    allowed = torch.zeros(SIZE, dtype=torch.bool)
    allowed[:VALUES] = True
    fewer = allowed.clone()
    fewer[[1, 3]] = False
    other = row_key(3, "another")
    return [
        Chain([CLS, MASK, MASK, MASK, SEP], [1, 2, 3], allowed, KEY, 0),
        Chain([CLS, MASK, MASK, MASK, SEP], [1, 2, 3], allowed, KEY, 1),
        Chain([CLS, 4, 3, 2, 1, 0, 0, SEP], [2, 4, 6], fewer, KEY, 2),
        Chain([CLS, MASK, SEP], [1], allowed, other, 0),
        Chain([CLS, 1, MASK, 1, MASK, MASK, SEP], [1, 2, 4, 5], fewer, other, 1),
        Chain([CLS, 2, 2, 2, 2, 2, SEP], [1, 2, 3, 4, 5], allowed, other, 2),
    ]


def sampler(width: int = 8, **fields: Any) -> GibbsSampler:
    return sampler_of(VALUES, CONDITIONAL, width, **fields)


def told(chain: Chain) -> tuple[Any, ...]:
    """All that a chain tells of itself."""
    return chain.ids, chain.energy, chain.kept, chain.best, chain.moves, chain.series


@pytest.mark.parametrize("fields", SETTINGS)
def test_chains_together_equal_single_chains(fields: dict[str, Any]) -> None:
    together, alone = legal_chains(), legal_chains()
    sampler(**fields).run(together, Course(6, 2))
    for chain in alone:
        sampler(**fields).run([chain], Course(6, 2))
    assert [told(chain) for chain in together] == [told(chain) for chain in alone]
    backwards = legal_chains()[::-1]
    sampler(16, **fields).run(backwards, Course(6, 2))
    assert [told(chain) for chain in backwards[::-1]] == [told(chain) for chain in alone]
    assert sum(chain.moves.novel for chain in together) >= 5
    assert any(chain.moves.novel < chain.moves.steps for chain in together)


def legal_chains() -> list[Chain]:
    """The same, the seeds within what is allowed; of some the fixed places count for the energy."""
    chains = some_chains()
    chains[2].ids = [CLS, 4, 0, 2, 2, 0, 0, SEP]
    chains[4].scored = chains[4].free
    chains[5].free, chains[5].scored = [2, 4], [1, 2, 4]
    return chains


def test_chains_differ_by_key_and_candidate() -> None:
    allowed = some_chains()[0].allowed
    chains = [
        Chain([CLS, *[MASK] * 6, SEP], list(range(1, 7)), allowed, key, candidate)
        for key in (KEY, row_key(4, "chain"))
        for candidate in range(3)
    ]
    sampler().run(chains, Course(3))
    assert len({tuple(tuple(state.ids) for state in chain.kept) for chain in chains}) == 6
    again = Chain([CLS, *[MASK] * 6, SEP], list(range(1, 7)), allowed, KEY, 2)
    sampler().run([again], Course(3))
    assert again.kept == chains[2].kept


def test_locked_places_never_change_and_free_ones_do() -> None:
    chains, before = some_chains(), some_chains()
    sampler().run(chains, Course(40))
    for chain, start in zip(chains, before, strict=True):
        for place, token in enumerate(start.ids):
            found = {state.ids[place] for state in chain.kept}
            if place in chain.free:
                assert len(found) > 1
            else:
                assert found == {token}


def test_banned_ids_never_appear() -> None:
    chains = some_chains()
    sampler().run(chains, Course(60))
    for chain in chains:
        seen = {state.ids[place] for state in chain.kept for place in chain.free}
        possible = set(chain.allowed.nonzero()[:, 0].tolist())
        assert possible <= seen
        # a seed may hold other ids, until their places are drawn for the first time
        assert {state.ids[place] for state in chain.kept[20:] for place in chain.free} == possible


def test_the_conditional_is_renormalised_on_the_allowed() -> None:
    """Not drawn again, not clipped: the shares are those of the softmax over what is left."""
    probs = torch.tensor([0.5, 0.25, 0.2, 0.05])
    allowed = torch.tensor([False, True, True, True, False, False, False])
    model = TabularMasked(7, 4, lambda body, place: padded(probs, 7))
    chains = [Chain([5, 4, 6], [1], allowed, KEY, candidate) for candidate in range(4000)]
    GibbsSampler(Conditionals(model, 4, 4)).run(chains, Course(1))
    found = torch.tensor([chain.ids[1] for chain in chains]).bincount(minlength=4) / 4000
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
    every = some_chains()
    sampler().run(every, Course(7))
    chains = some_chains()
    sampler().run(chains, Course(sweeps, burn_in, thin))
    for chain, states in zip(chains, every, strict=True):
        assert len(states.kept) == 7
        assert chain.kept == [states.kept[sweep - 1] for sweep in kept]
        assert [state.sweep for state in chain.kept] == kept
        assert chain.ids == states.kept[sweeps - 1].ids
        assert len(chain.series) == sweeps - burn_in
        assert chain.series == states.series[burn_in:sweeps]
    assert len({tuple(state.ids) for state in every[1].kept}) > 3


def test_a_sweep_has_as_many_updates_as_free_places() -> None:
    """Counted a chain at a time, so that the longer do not give the shorter more."""
    for chain in some_chains():
        masked = sum(chain.ids[place] == MASK for place in chain.free)
        alone = sampler()
        alone.run([chain], Course(5))
        assert len(alone.conditionals.model.calls) == masked + 5 * len(chain.free)
    together = sampler()
    together.run(some_chains(), Course(5))
    sizes = [3, 3, 3, 1, 4, 5]
    filling = max(3, 3, 0, 1, 3, 0)
    assert [len(places) for places in together.conditionals.model.calls[filling:]] == [
        sum(5 * size > step for size in sizes) for step in range(25)
    ]


def test_masks_are_filled_once_each_in_random_order() -> None:
    orders = set()
    for candidate in range(40):
        start = [CLS, 1, MASK, MASK, 0, MASK, SEP]
        chain = Chain(list(start), [2, 3, 5], some_chains()[0].allowed, KEY, candidate)
        alone = sampler()
        alone.run([chain], Course(1))
        filled = tuple(places[0] for places in alone.conditionals.model.calls[:3])
        assert sorted(filled) == [2, 3, 5]
        orders.add(filled)
        assert MASK not in chain.ids
        assert [chain.ids[n] for n in (0, 1, 4, 6)] == [CLS, 1, 0, SEP]
    assert len(orders) == 6


def test_a_mask_at_a_locked_place_stays() -> None:
    chain = Chain([CLS, MASK, MASK, SEP], [2], some_chains()[0].allowed, KEY, 0)
    sampler().run([chain], Course(3))
    assert chain.ids[1] == MASK
    assert chain.ids[2] != MASK


def test_pseudo_logprob_equals_a_loop_over_the_tables() -> None:
    for chain in some_chains()[2:4] + some_chains()[5:]:
        if MASK in chain.ids:
            chain.ids = [2 if token == MASK else token for token in chain.ids]
        for place in chain.free:  # what stands there must be allowed to have a probability
            chain.ids[place] = 2 if not chain.allowed[chain.ids[place]] else chain.ids[place]
        before = list(chain.ids)
        total = 0.0
        for place in chain.free:
            body = tuple(MASK if n == place else token for n, token in enumerate(before))[1:-1]
            logits = CONDITIONAL(body, place - 1).double()
            probs = logits.exp() * chain.allowed
            total += float((probs[before[place]] / probs.sum()).log())
        assert sampler().pseudo_logprob(chain, before) == pytest.approx(total, abs=1e-5)
        assert chain.ids == before
        assert not chain.kept


def test_no_global_random_state_is_touched() -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first = some_chains()
    sampler().run(first, Course(2))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())
    torch.manual_seed(5)
    again = some_chains()
    sampler().run(again, Course(2))
    assert [chain.kept for chain in again] == [chain.kept for chain in first]


def energy_of(chain: Chain, ids: list[int], view: str) -> float:
    """E of a state, by a loop over the tables."""
    total = 0.0
    for place in chain.weighed:
        body = tuple(MASK if n == place else token for n, token in enumerate(ids))[1:-1]
        logits = CONDITIONAL(body, place - 1).masked_fill(~chain.allowed, -torch.inf)
        total -= float((logits if view == "raw" else logits.log_softmax(-1))[ids[place]])
    return total


@pytest.mark.parametrize("name", ["raw", "local"])
@pytest.mark.parametrize("scan", [Scan("random"), Scan("block", 2), Scan("all")], ids=str)
def test_energies_series_and_the_best_state_are_those_of_the_states(scan: Scan, name: str) -> None:
    chains = legal_chains()
    updates: list[Update] = []
    states: dict[int, list[tuple[int, ...]]] = {id(chain): [] for chain in chains}

    def listen(update: Update) -> None:
        updates.append(update)
        states[id(update.chain)].append(tuple(update.chain.ids))
        assert update.log_target == -update.chain.energy

    using = sampler(scan=scan, energy={"raw": raw, "local": local}[name])
    using.run(chains, Course(9, 3, 2, listen))
    for chain in chains:
        assert chain.energy == pytest.approx(energy_of(chain, chain.ids, name), abs=1e-9)
        assert [state.sweep for state in chain.kept] == [5, 7, 9]
        steps = using.steps(chain)
        after = [energy_of(chain, list(ids), name) for ids in states[id(chain)]]
        assert chain.series == pytest.approx([-e / len(chain.weighed) for e in after[steps - 1 :: steps][3:]])
        assert chain.best.energy == pytest.approx(min(after[3 * steps :]), abs=1e-9)
        first = next(n for n, e in enumerate(after) if n >= 3 * steps and e <= chain.best.energy + 1e-9)
        assert tuple(chain.best.ids) == states[id(chain)][first]
        assert chain.best.sweep == first // steps + 1
        assert chain.kept[0].energy == pytest.approx(energy_of(chain, chain.kept[0].ids, name), abs=1e-9)


@pytest.mark.parametrize("fields", SETTINGS)
def test_every_step_is_told_and_counted(fields: dict[str, Any]) -> None:
    chain = legal_chains()[2]
    updates: list[tuple[Update, list[int]]] = []
    using = sampler(**fields)
    before = list(chain.ids)
    using.run([chain], Course(7, on_update=lambda update: updates.append((update, list(chain.ids)))))
    assert [update.step for update, _ in updates] == list(range(1, 7 * using.steps(chain) + 1))
    for update, ids in updates:
        differing = [n for n, (one, other) in enumerate(zip(before, ids, strict=True)) if one != other]
        assert update.move == using.scan.kind
        assert update.changed == bool(differing)
        assert update.accepted or not update.changed
        assert set(update.places) <= set(chain.free)
        assert not differing or update.places == differing
        before = ids
    accepted = sum(update.accepted for update, _ in updates)
    assert chain.moves.acceptance == {using.scan.kind: accepted / len(updates)}
    assert chain.moves.novelty == sum(update.changed for update, _ in updates) / len(updates)
    if using.energy is None:
        assert accepted == len(updates)


def test_plain_chains_tell_the_log_probability_of_what_was_drawn() -> None:
    chain = legal_chains()[2]
    told_of: list[Update] = []
    found: list[float] = []
    before = list(chain.ids)

    def listen(update: Update) -> None:
        nonlocal before
        place = update.places[0]
        body = tuple(MASK if n == place else token for n, token in enumerate(before))[1:-1]
        logits = CONDITIONAL(body, place - 1).masked_fill(~chain.allowed, -torch.inf)
        found.append(float((logits / 0.8).log_softmax(-1)[chain.ids[place]]))
        before = list(chain.ids)
        told_of.append(update)

    sampler(proposal=ProposalLaw(0.8)).run([chain], Course(4, 1, 1, listen))
    assert [update.log_target for update in told_of] == pytest.approx(found, abs=1e-9)
    sums = [sum(found[at : at + 3]) / 3 for at in (3, 6, 9)]
    assert chain.series == pytest.approx(sums, abs=1e-9)
    assert chain.energy is None
    assert chain.best is None
    assert chain.kept[0].energy is None


def test_what_stays_or_cannot_go_back_costs_no_energy() -> None:
    """Always the most probable piece: a chain soon proposes what is there, or is held by what it lacks."""
    chain = legal_chains()[2]
    using = sampler(proposal=ProposalLaw(1.0, 1), energy=raw)
    start = list(chain.ids)
    using.run([chain], Course(6))
    assert chain.ids == start  # no other piece could be drawn back
    assert [len(places) for places in using.conditionals.model.calls] == [3] + [1] * 18


def test_a_start_that_the_law_does_not_hold_is_left() -> None:
    chain = some_chains()[2]
    assert not chain.allowed[[chain.ids[place] for place in chain.free]].all()
    sampler(energy=local).run([chain], Course(20))
    assert all(chain.allowed[chain.ids[place]] for place in chain.free)
    assert chain.energy < torch.inf


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
    using = sampler(scan=scan, energy=raw)
    chain = some_chains()[5]
    using.run([chain], Course(3))
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
