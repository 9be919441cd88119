"""Paraphrases as a move: the chain stays exact whatever its neighbours are, and looks for them once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import Any

import pytest
import torch
from sequences import (
    at_most,
    closed_classes,
    distance,
    proposals,
    random_bigrams,
    space_of,
    states_of,
    stationary,
    transitions,
    unit_eigenvalues,
    walk,
)
from torch import Tensor

from textgen.mcmc.cgmh.edits import FREE, PARAPHRASE, Ids, Operations, State
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.moves import Choice, choices, log_proposals, log_ways
from textgen.mcmc.cgmh.target import Point, Target
from textgen.mcmc.chain import Chain, Step
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key

KEY = row_key(3, "chain")
VOCAB = 3
# 0 and 1 are in both: two ways between them
GROUPS: Sequence[Sequence[Ids]] = (((0,), (1,)), ((0,), (1,), (2, 2)))
MIXED = Operations(0.2, 0.2, 0.1, 0.1, 0.3)
ALONE = Operations(0.0, 0.0, 0.0, 0.0, 1.0)


def canonical(state: State) -> bool:
    """Whether a tokenizer would write the text so: 1 before a free 2 were one token."""
    free = zip(state.ids, state.ids[1:], state.labels[1:], strict=False)
    return not any((one, other, label) == (1, 2, FREE) for one, other, label in free)


def exchanged(state: State) -> list[State]:
    """The states with another word of a group in a free place."""
    return [
        State(
            (*state.ids[:at], *other, *state.ids[at + len(word) :]),
            (*state.labels[:at], *[FREE] * len(other), *state.labels[at + len(word) :]),
        )
        for group in GROUPS
        for word in group
        for at in range(len(state.ids) - len(word) + 1)
        if state.ids[at : at + len(word)] == word and not any(state.labels[at : at + len(word)])
        for other in group
        if other != word
    ]


def turned(state: State) -> list[State]:
    """The state with its locked spans and what stands between them in the other order, if that is another."""
    spans, blanks = state.spans[::-1], state.blanks[::-1]
    order = [*blanks[0], *(n for one, blank in zip(spans, blanks[1:], strict=True) for n in (*one, *blank))]
    found = State(tuple(state.ids[n] for n in order), tuple(state.labels[n] for n in order))
    return [found] if found != state else []


def neighbours(state: State) -> list[State]:
    if not canonical(state):
        return []
    return [way for way in (*exchanged(state), *turned(state)) if canonical(way)]


def one_way(state: State) -> list[State]:
    """Neighbours of which some lead to where none leads back from."""
    return [way for way in neighbours(state) if way.ids < state.ids or len(way.ids) == len(state.ids)]


def lopsided(state: State) -> list[State]:
    """Neighbours, those down the alphabet by two ways."""
    return [way for way in neighbours(state) for _ in range(1 + (way.ids < state.ids))]


def kernel_of(operations: Operations = MIXED, most: int = 5, **more: Any) -> Cgmh:
    target = Target(random_bigrams(VOCAB, 1), 0.8, constraints=[at_most(most)])
    return Cgmh(target, proposals(VOCAB), operations, **{"neighbours": neighbours} | more)


MOST = {"no lock": 4, "a lock": 4, "locks that change places": 5}
SPACES = {
    "no lock": states_of([], VOCAB, 4),
    "a lock": states_of([(1,)], VOCAB, 4),
    "locks that change places": states_of([(1,), (0, 1)], VOCAB, 5, any_order=True),
}


def assert_reversible(matrix: Tensor, distribution: Tensor) -> None:
    flow = distribution[:, None] * matrix
    assert float(matrix.min()) >= 0
    assert float((flow - flow.T).abs().max()) < 1e-12
    assert float((distribution @ matrix - distribution).abs().max()) < 1e-12


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("ways", [neighbours, one_way, lopsided])
@pytest.mark.parametrize("operations", [MIXED, ALONE], ids=["mixed", "alone"])
@pytest.mark.parametrize("name", SPACES)
def test_the_distribution_is_left_invariant(
    name: str, operations: Operations, ways: Any, temperature: float
) -> None:
    chain = kernel_of(operations, MOST[name], neighbours=ways)
    space = space_of(chain, SPACES[name])
    matrix, distribution = transitions(chain, space, temperature), space.distribution(temperature)
    assert_reversible(matrix, distribution)
    if operations is MIXED:  # tokens reach every state
        assert closed_classes(matrix) == unit_eigenvalues(matrix) == 1
        assert distance(stationary(matrix), distribution) < 1e-10
    else:
        assert closed_classes(matrix) > 1


def test_the_toy_has_what_it_is_to_show() -> None:
    states = SPACES["locks that change places"]
    assert sum(not canonical(state) for state in states) > 5
    counts = [Counter(neighbours(state)) for state in states]
    assert {len(ways) for ways in counts} >= {0, 1, 2, 3, 4}
    assert max(most for ways in counts for most in ways.values()) == 2
    orders = {tuple(state.labels[span.start] for span in state.spans) for state in neighbours(states[1])}
    assert orders == {(1, 2), (2, 1)}
    assert any(way not in one_way(state) for state in states for way in neighbours(state))


def test_a_state_that_is_not_canonical_is_neither_left_nor_reached() -> None:
    chain = kernel_of(ALONE, MOST["no lock"])
    space = space_of(chain, SPACES["no lock"])
    matrix = transitions(chain, space)
    odd = [space.number[state] for state in SPACES["no lock"] if not canonical(state)]
    assert len(odd) > 10
    for number in odd:
        assert float(matrix[number, number]) == 1.0
        assert float(matrix[:, number].sum()) == 1.0


@pytest.mark.parametrize("mistake", ["counts left out", "ways to one state counted once"])
def test_each_mistake_samples_another_distribution(mistake: str) -> None:
    chain = kernel_of(most=MOST["a lock"], neighbours=lopsided)
    space = space_of(chain, SPACES["a lock"])

    def ratio(before: State, after: State, choice: Choice, distribution: Tensor, token: int) -> float:
        if choice.move != PARAPHRASE:
            return log_proposals(before, after, choice, distribution, token, chain.operations)
        if mistake == "counts left out":
            return 0.0
        return log(len(lopsided(before)) / len(lopsided(after)))

    assert distance(stationary(transitions(chain, space, ratio=ratio)), space.distribution()) > 0.02


def test_ways_are_counted_as_often_as_they_are_there() -> None:
    one, other, third = (State.of([((n,), FREE)]) for n in range(3))
    assert log_ways(one, other, [other, other, third], [one]) == pytest.approx(log(3 / 2))
    assert log_ways(one, other, [other], [third, one]) == pytest.approx(log(1 / 2))
    assert log_ways(one, other, [other], [third]) == log_ways(one, other, [other], []) == -torch.inf
    assert choices(one, PARAPHRASE) == []
    found = choices(one, PARAPHRASE, [other, third, other])
    assert [choice.apply(one, 9) for choice in found] == [other, third, other]
    assert [choice.draws for choice in found] == [False] * 3


STARTS = [
    State.of([((1,), 1), ((0,), FREE), ((0, 1), 2)]),
    State.of([((2, 2), FREE), ((0, 1), 2), ((1,), 1)]),
]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("operations", [MIXED, ALONE], ids=["mixed", "alone"])
def test_one_step_is_a_row_of_the_matrix(operations: Operations, start: State) -> None:
    kernel = kernel_of(operations)
    space = space_of(kernel, SPACES["locks that change places"])
    row = transitions(kernel, space)[space.number[start]]
    first = kernel.start(KEY, 0, start)
    chains = [Chain(KEY, candidate, first.point) for candidate in range(6000)]
    walk(kernel, chains, 1)
    found = space.shares([chain.point.state for chain in chains])
    assert distance(found, row) < 0.025
    assert float(found[row == 0].sum()) == 0


def test_chains_together_equal_single_chains() -> None:
    def chains() -> list[Chain[Point]]:
        return [kernel.start(KEY, n, start) for n in range(3) for start in STARTS]

    kernel = kernel_of()
    together = chains()
    walk(kernel, together, 100)
    assert sum(chain.moves.accepted[PARAPHRASE] for chain in together) > 60
    for one, other in zip(chains(), together, strict=True):
        walk(kernel, [one], 100)
        assert (one.point, one.series, one.moves) == (other.point, other.series, other.moves)


def test_a_chain_that_stands_still_looks_for_neighbours_once() -> None:
    asked: list[State] = []

    def counted(state: State) -> list[State]:
        asked.append(state)
        return neighbours(state)

    kernel = kernel_of(ALONE, neighbours=counted)
    chain = kernel.start(KEY, 0, STARTS[0])
    walk(kernel, [chain], 300, schedule=Schedule(1e-3, 1e-3))
    asked.clear()
    walk(kernel, [chain], 300, schedule=Schedule(1e-3, 1e-3))
    assert chain.moves.proposed[PARAPHRASE] == 600
    assert asked == []


def test_a_step_tells_what_it_edited() -> None:
    kernel = kernel_of(ALONE)
    told: list[tuple[Ids, Step[Point]]] = []
    chain = kernel.start(KEY, 0, STARTS[0])
    before = [chain.point.state.ids]

    def listen(chain: Chain[Point], step: Step[Point]) -> None:
        told.append((before[-1], step))
        before.append(step.point.ids)

    walk(kernel, [chain], 200, listen)
    taken = [(ids, step) for ids, step in told if step.changed]
    assert len(taken) > 30
    for ids, step in told:
        assert step.edited is not None
        first, last = step.edited
        assert 0 <= first <= last <= len(step.point.ids)
        if step.changed:  # what stands around it is what stood there
            behind = len(step.point.ids) - last
            assert ids[:first] == step.point.ids[:first]
            assert ids[len(ids) - behind :] == step.point.ids[last:]
            assert len(ids) - behind >= first
    without = kernel_of(ALONE, neighbours=lambda state: ())
    still = without.start(KEY, 0, STARTS[0])
    walk(without, [still], 20, lambda chain, step: told.append((STARTS[0].ids, step)))
    assert all(step.edited is None for _, step in told[-20:])
    assert still.point.state == STARTS[0]
