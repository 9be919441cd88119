"""The chain samples the law that its transition matrix says it samples."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from masked import Body, Conditional, TabularMasked, conditionals_of, padded, random_conditional
from torch import Tensor

from textgen.mcmc.gibbs import Chain, GibbsSampler
from textgen.rng import row_key

KEY = row_key(3, "chain")


def frame(values: int) -> tuple[int, int, int, int]:
    """The ids above the values: mask, cls, sep, and how many ids there are then."""
    return values, values + 1, values + 2, values + 3


def chains_of(
    values: int, length: int, count: int, *, start: Body | None = None, key: bytes = KEY
) -> list[Chain]:
    mask, cls, sep, size = frame(values)
    allowed = torch.zeros(size, dtype=torch.bool)
    allowed[:values] = True
    body = start if start is not None else (mask,) * length
    return [
        Chain([cls, *body, sep], list(range(1, length + 1)), allowed, KEY, candidate)
        for candidate in range(count)
    ]


def sampler_of(values: int, conditional: Conditional, width: int) -> GibbsSampler:
    mask, _, _, size = frame(values)
    return GibbsSampler(TabularMasked(size, mask, conditional), mask, width)


def matrix(conditional: Conditional, values: int, length: int) -> tuple[list[Body], Tensor]:
    """The states, and the transition matrix of one update at a random place."""
    mask = values
    states = list(itertools.product(range(values), repeat=length))
    number = {state: n for n, state in enumerate(states)}
    found = torch.zeros(len(states), len(states), dtype=torch.float64)
    for state in states:
        for place in range(length):
            masked = (*state[:place], mask, *state[place + 1 :])
            probs = conditional(masked, place)[:values].double().softmax(-1)
            for value in range(values):
                after = (*state[:place], value, *state[place + 1 :])
                found[number[state], number[after]] += probs[value] / length
    return states, found


def law_of(kept: list[list[int]], states: list[Body]) -> Tensor:
    """Shares of the states among recorded ones."""
    number = {state: n for n, state in enumerate(states)}
    counts = torch.tensor([number[tuple(state[1:-1])] for state in kept]).bincount(minlength=len(states))
    return counts.double() / counts.sum()


def distance(one: Tensor, other: Tensor) -> float:
    """Total variation."""
    return float((one - other).abs().sum() / 2)


def random_joint(values: int, length: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn([values] * length, generator=generator, dtype=torch.float64)
        .flatten()
        .softmax(0)
        .view([values] * length)
    )


@pytest.mark.parametrize(("length", "count"), [(2, 500), (3, 1000)])
def test_consistent_conditionals_sample_their_joint_law(length: int, count: int) -> None:
    values = 3
    joint = random_joint(values, length, seed=length)
    conditional = conditionals_of(joint, frame(values)[3], frame(values)[0])
    states, step = matrix(conditional, values, length)
    torch.testing.assert_close(joint.flatten() @ step, joint.flatten())  # the joint law is stationary

    chains = chains_of(values, length, count)
    sampler_of(values, conditional, 8).run(chains, sweeps=50, burn_in=10, thin=1)
    found = law_of([state for chain in chains for state in chain.kept], states)
    assert distance(found, joint.flatten()) < 0.02
    assert distance(found, torch.full_like(found, 1 / len(found))) > 0.1  # and no other law


@pytest.mark.parametrize("start", [(0, 0), (1, 2), (2, 1)])
def test_one_sweep_is_as_many_random_updates_as_there_are_places(start: Body) -> None:
    values, length, count = 3, 2, 4000
    conditional = random_conditional(frame(values)[3], 8)
    states, step = matrix(conditional, values, length)
    chains = chains_of(values, length, count, start=start)
    sampler_of(values, conditional, 4).run(chains, sweeps=1, burn_in=0, thin=1)
    found = law_of([chain.kept[0] for chain in chains], states)
    row = states.index(start)
    assert distance(found, (step @ step)[row]) < 0.025
    assert distance(found, step[row]) > 0.05  # neither one update,
    sites = [matrix_at(conditional, values, states, place) for place in range(length)]
    assert distance(found, (sites[0] @ sites[1])[row]) > 0.05  # nor a sweep in order
    assert distance(found, (sites[1] @ sites[0])[row]) > 0.05


def matrix_at(conditional: Conditional, values: int, states: list[Body], place: int) -> Tensor:
    """The transition matrix of an update at one place."""
    found = torch.zeros(len(states), len(states), dtype=torch.float64)
    for n, state in enumerate(states):
        probs = (
            conditional((*state[:place], values, *state[place + 1 :]), place)[:values].double().softmax(-1)
        )
        for value in range(values):
            found[n, states.index((*state[:place], value, *state[place + 1 :]))] = probs[value]
    return found


def inconsistent(body: Body, place: int) -> Tensor:
    """p(x1 | x2) nearly copies x2, p(x2 | x1) is uniform: no joint law has both."""
    copies = torch.full((2,), 0.5)
    if place == 0 and body[1] < 2:
        copies = torch.tensor([0.99, 0.01]) if body[1] == 0 else torch.tensor([0.01, 0.99])
    return padded(copies, 5)


def test_inconsistent_conditionals_under_a_random_scan() -> None:
    states, step = matrix(inconsistent, 2, 2)
    wanted = torch.tensor([0.3725, 0.1275, 0.1275, 0.3725], dtype=torch.float64)
    torch.testing.assert_close(wanted @ step, wanted)
    chains = chains_of(2, 2, 2500)
    sampler_of(2, inconsistent, 4).run(chains, sweeps=30, burn_in=10, thin=2)
    found = law_of([state for chain in chains for state in chain.kept], states)
    assert states == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert float((found - wanted).abs().max()) < 0.015


# the rules of the chain, on another model whose conditionals fit nothing

VALUES = 5
MASK, CLS, SEP, SIZE = frame(VALUES)
CONDITIONAL = random_conditional(SIZE, 1)


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


def sampler(width: int = 8) -> GibbsSampler:
    return sampler_of(VALUES, CONDITIONAL, width)


def test_chains_together_equal_single_chains() -> None:
    together, alone = some_chains(), some_chains()
    sampler().run(together, sweeps=6, burn_in=2, thin=1)
    for chain in alone:
        sampler().run([chain], sweeps=6, burn_in=2, thin=1)
    assert [(c.ids, c.kept) for c in together] == [(c.ids, c.kept) for c in alone]
    backwards = some_chains()[::-1]
    sampler(16).run(backwards, sweeps=6, burn_in=2, thin=1)
    assert [c.kept for c in backwards[::-1]] == [c.kept for c in alone]


def test_chains_differ_by_key_and_candidate() -> None:
    allowed = some_chains()[0].allowed
    chains = [
        Chain([CLS, *[MASK] * 6, SEP], list(range(1, 7)), allowed, key, candidate)
        for key in (KEY, row_key(4, "chain"))
        for candidate in range(3)
    ]
    sampler().run(chains, sweeps=3, burn_in=0, thin=1)
    assert len({tuple(map(tuple, chain.kept)) for chain in chains}) == 6
    again = Chain([CLS, *[MASK] * 6, SEP], list(range(1, 7)), allowed, KEY, 2)
    sampler().run([again], sweeps=3, burn_in=0, thin=1)
    assert again.kept == chains[2].kept


def test_locked_places_never_change_and_free_ones_do() -> None:
    chains, before = some_chains(), some_chains()
    sampler().run(chains, sweeps=40, burn_in=0, thin=1)
    for chain, start in zip(chains, before, strict=True):
        for place, token in enumerate(start.ids):
            found = {state[place] for state in chain.kept}
            if place in chain.free:
                assert len(found) > 1
            else:
                assert found == {token}


def test_banned_ids_never_appear() -> None:
    chains = some_chains()
    sampler().run(chains, sweeps=60, burn_in=0, thin=1)
    for chain in chains:
        seen = {state[place] for state in chain.kept for place in chain.free}
        possible = set(chain.allowed.nonzero()[:, 0].tolist())
        assert possible <= seen
        # a seed may hold other ids, until their places are drawn for the first time
        assert {state[place] for state in chain.kept[20:] for place in chain.free} == possible


def test_the_conditional_is_renormalised_on_the_allowed() -> None:
    """Not drawn again, not clipped: the shares are those of the softmax over what is left."""
    probs = torch.tensor([0.5, 0.25, 0.2, 0.05])
    allowed = torch.tensor([False, True, True, True, False, False, False])
    model = TabularMasked(7, 4, lambda body, place: padded(probs, 7))
    chains = [Chain([5, 4, 6], [1], allowed, KEY, candidate) for candidate in range(4000)]
    GibbsSampler(model, 4, 4).run(chains, sweeps=1, burn_in=0, thin=1)
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
    sampler().run(every, sweeps=7, burn_in=0, thin=1)
    chains = some_chains()
    sampler().run(chains, sweeps=sweeps, burn_in=burn_in, thin=thin)
    for chain, states in zip(chains, every, strict=True):
        assert len(states.kept) == 7
        assert chain.kept == [states.kept[sweep - 1] for sweep in kept]
        assert chain.ids == states.kept[sweeps - 1]
    assert len({tuple(state) for state in every[1].kept}) > 3


def test_a_sweep_has_as_many_updates_as_free_places() -> None:
    """Counted a chain at a time, so that the longer do not give the shorter more."""
    for chain in some_chains():
        masked = sum(chain.ids[place] == MASK for place in chain.free)
        alone = sampler()
        alone.run([chain], sweeps=5, burn_in=0, thin=1)
        assert len(alone.model.calls) == masked + 5 * len(chain.free)
    together = sampler()
    together.run(some_chains(), sweeps=5, burn_in=0, thin=1)
    sizes = [3, 3, 3, 1, 4, 5]
    filling = max(3, 3, 0, 1, 3, 0)
    assert [len(places) for places in together.model.calls[filling:]] == [
        sum(5 * size > step for size in sizes) for step in range(25)
    ]


def test_masks_are_filled_once_each_in_random_order() -> None:
    orders = set()
    for candidate in range(40):
        start = [CLS, 1, MASK, MASK, 0, MASK, SEP]
        chain = Chain(list(start), [2, 3, 5], some_chains()[0].allowed, KEY, candidate)
        alone = sampler()
        alone.run([chain], sweeps=1, burn_in=0, thin=1)
        filled = tuple(places[0] for places in alone.model.calls[:3])
        assert sorted(filled) == [2, 3, 5]
        orders.add(filled)
        assert MASK not in chain.ids
        assert [chain.ids[n] for n in (0, 1, 4, 6)] == [CLS, 1, 0, SEP]
    assert len(orders) == 6


def test_a_mask_at_a_locked_place_stays() -> None:
    chain = Chain([CLS, MASK, MASK, SEP], [2], some_chains()[0].allowed, KEY, 0)
    sampler().run([chain], sweeps=3, burn_in=0, thin=1)
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
        assert sampler().pseudo_logprob(chain) == pytest.approx(total, abs=1e-5)
        assert chain.ids == before
        assert not chain.kept


def test_no_global_random_state_is_touched() -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first = some_chains()
    sampler().run(first, sweeps=2, burn_in=0, thin=1)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())
    torch.manual_seed(5)
    again = some_chains()
    sampler().run(again, sweeps=2, burn_in=0, thin=1)
    assert [chain.kept for chain in again] == [chain.kept for chain in first]
