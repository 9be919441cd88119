"""The loop samples the distribution of its transition matrix, and no chain depends on another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import pytest
import torch
from sequences import (
    BigramModel,
    Space,
    at_most,
    distance,
    proposals,
    random_bigrams,
    space_of,
    states_of,
    transitions,
    walk,
)

from textgen.mcmc.cgmh.edits import DELETE, FREE, INSERT, REPLACE, SWAP, Operations, State, Subject
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.moves import Choice
from textgen.mcmc.cgmh.proposals import Proposals, WeightedProposals
from textgen.mcmc.cgmh.target import Distance, Length, Outside, Point, Target
from textgen.mcmc.chain import KEPT, Chain, Step
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key

KEY = row_key(3, "chain")
SWAPS = Operations(0.3, 0.25, 0.2, 0.2)  # what is left does nothing


def weighted(model: BigramModel, count: int) -> WeightedProposals:
    return WeightedProposals(proposals(len(model.table) - 1), model, 1.0, count)


def kernel_of(vocab: int, most: int, distributions: Callable[[BigramModel], Proposals], **more: Any) -> Cgmh:
    model = random_bigrams(vocab, 1)
    return replace(Cgmh(Target(model, constraints=[at_most(most)]), distributions(model), SWAPS), **more)


def started(kernel: Cgmh, state: State, count: int) -> list[Chain[Point]]:
    return [kernel.start(KEY, candidate, state) for candidate in range(count)]


SMALL: dict[str, tuple[Cgmh, list[State]]] = {
    "a keyword": (
        kernel_of(
            2, 3, lambda model: proposals(2, top_k=1, epsilon=0.5), operations=Operations(0.35, 0.35, 0.3)
        ),
        states_of([(1,)], 2, 3),
    ),
    "keywords that swap": (
        kernel_of(2, 4, lambda model: weighted(model, 2)),
        states_of([(1,), (0, 1)], 2, 4, any_order=True),
    ),
}


@pytest.mark.parametrize("toy", [pytest.param("a keyword", marks=pytest.mark.slow), "keywords that swap"])
def test_states_visited_have_the_distribution(toy: str) -> None:
    kernel, states = SMALL[toy]
    space = space_of(kernel, states)
    visited: list[State] = []
    chains = started(kernel, states[0], 80)
    walk(kernel, chains, 400, lambda chain, step: visited.append(chain.point.state))
    found = space.shares(visited[2000:])
    assert distance(found, space.distribution()) < 0.025
    assert distance(found, torch.full_like(found, 1 / len(found))) > 0.2


LARGE = {
    "best two": kernel_of(3, 5, lambda model: proposals(3, top_k=2)),
    "weighted": kernel_of(3, 5, lambda model: weighted(model, 2)),
}


STARTS = [
    State.of([((1,), 1), ((0, 1), 2)]),
    State.of([((2,), FREE), ((1,), 1), ((0, 1), 2)]),
    State.of([((0, 1), 2), ((1, 2), FREE), ((1,), 1)]),
]


def one_step(kernel: Cgmh, space: Space, state: State, **schedule: Schedule) -> torch.Tensor:
    [first] = started(kernel, state, 1)
    chains = [Chain(KEY, candidate, first.point) for candidate in range(8000)]
    walk(kernel, chains, 1, **schedule)
    return space.shares([chain.point.state for chain in chains])


@pytest.mark.parametrize(
    ("distribution", "start"),
    [
        ("weighted", STARTS[1]),
        ("best two", STARTS[2]),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                *(("weighted", STARTS[n]) for n in (0, 2)),
                *(("best two", STARTS[n]) for n in (0, 1)),
            )
        ),
    ],
)
def test_one_step_is_a_row_of_the_matrix(distribution: str, start: State) -> None:
    kernel = LARGE[distribution]
    space = space_of(kernel, states_of([(1,), (0, 1)], 3, 5, any_order=True))
    row = transitions(kernel, space)[space.number[start]]
    found = one_step(kernel, space, start)
    assert distance(found, row) < 0.025
    assert float(found[row == 0].sum()) == 0
    assert int((row > 0.005).sum()) > 5


def test_one_step_at_a_temperature() -> None:
    """The last of the schedule, where there is one step."""
    kernel = LARGE["best two"]
    space = space_of(kernel, states_of([(1,), (0, 1)], 3, 5, any_order=True))
    number = space.number[STARTS[2]]
    found = one_step(kernel, space, STARTS[2], schedule=Schedule(1.0, 4.0))
    assert distance(found, transitions(kernel, space, 4.0)[number]) < 0.025
    assert distance(found, transitions(kernel, space)[number]) > 0.05


SUBJECT = Subject(source=(1, 2, 3), length=(2, 4))


def mixed_chains(kernel: Cgmh) -> list[Chain[Point]]:
    """Chains of several keys, locks and lengths."""
    other = row_key(4, "another")
    return [
        kernel.start(KEY, 0, State.of([((1,), 1), ((0, 2), 2)], subject=SUBJECT)),
        kernel.start(KEY, 1, State.of([((1,), 1), ((0, 2), 2)], subject=SUBJECT)),
        kernel.start(other, 0, State.of([])),
        kernel.start(other, 1, State.of([((3, 3, 3, 3, 3), FREE)], subject=SUBJECT)),
        kernel.start(other, 7, State.of([((0,), 1), ((1,), FREE), ((2,), 2)], open_left=False)),
    ]


def told(chain: Chain[Point]) -> object:
    return chain.point, chain.steps, chain.moves, chain.series, chain.best


MIXED: dict[str, Callable[[BigramModel], Proposals]] = {
    "best two": lambda model: proposals(4, top_k=2),
    "weighted": lambda model: weighted(model, 2),
}


@pytest.mark.parametrize("distribution", MIXED)
def test_chains_together_equal_single_chains(distribution: str) -> None:
    def kernel() -> Cgmh:
        model = random_bigrams(4, 1)
        terms = ((-0.5, Outside()), (-0.3, Distance()), (0.5, Length()))
        return Cgmh(
            Target(model, 0.9, terms, [at_most(7)]),
            MIXED[distribution](model),
            SWAPS,
            lambda state: len(state.ids) % 3 == 1,
        )

    together, backwards, alone = [mixed_chains(kernel()) for _ in range(3)]
    walks: dict[int, list[Step[Point]]] = {id(chain): [] for chain in (*together, *alone)}

    def note(chain: Chain[Point], step: Step[Point]) -> None:
        walks[id(chain)].append(step)

    falling = Schedule(2.0, 0.5)
    walk(kernel(), together, 80, note, schedule=falling)
    walk(kernel(), backwards[::-1], 80, schedule=falling)
    for chain in alone:
        walk(kernel(), [chain], 80, note, schedule=falling)
    assert [told(chain) for chain in together] == [told(chain) for chain in alone]
    assert [told(chain) for chain in backwards] == [told(chain) for chain in alone]
    for chain, same in zip(together, alone, strict=True):
        assert walks[id(chain)] == walks[id(same)]
    assert {chain.steps for chain in alone} == {80}
    assert len({tuple(chain.series) for chain in alone}) == 5


def test_what_a_step_tells_is_what_happened() -> None:
    kernel = kernel_of(3, 5, lambda model: proposals(3))
    [chain] = started(kernel, STARTS[0], 1)
    before = chain.point
    seen: list[Step[Point]] = []

    def watch(walked: Chain[Point], step: Step[Point]) -> None:
        nonlocal before
        after = step.point
        assert walked is chain
        assert chain.point is after
        assert step.changed == (after.state.ids != before.state.ids)
        assert step.accepted or after == before
        if step.accepted and step.edited is not None and step.move != SWAP:
            place, end = step.edited
            assert end - place == (step.move != DELETE)
            token = after.state.ids[place] if step.move != DELETE else 0
            assert after.state == Choice(step.move, place).apply(before.state, token)
        assert chain.series[-1] == after.log_target
        before = after
        seen.append(step)

    walk(kernel, [chain], 600, watch)
    assert len(chain.series) == chain.steps == chain.moves.steps == len(seen) == 600
    assert chain.moves.proposed == Counter(step.move for step in seen)
    assert chain.moves.accepted == {
        move: sum(step.accepted for step in seen if step.move == move) for move in chain.moves.proposed
    }
    assert chain.moves.novel == sum(step.changed for step in seen)
    shares = {move: count / 600 for move, count in chain.moves.proposed.items()}
    wanted = {REPLACE: 0.3, INSERT: 0.25, DELETE: 0.2, SWAP: 0.2, "none": 0.05}
    assert shares == pytest.approx(wanted, abs=0.06)
    # a move that is not possible is counted, and leaves the chain where it is
    impossible = [step for step in seen if step.edited is None]
    assert {step.move for step in impossible} == {REPLACE, DELETE, "none"}
    assert not any(step.accepted for step in impossible)


def test_equal_keywords_change_places_too() -> None:
    """The text stays, the state does not."""
    kernel = kernel_of(2, 4, lambda model: proposals(2), operations=Operations(0.0, 0.0, 0.0, 1.0))
    [chain] = started(kernel, State.of([((1,), 1), ((0,), FREE), ((1,), 2)]), 1)
    walk(kernel, [chain], 1)
    assert (chain.point.state.ids, chain.point.state.labels) == ((1, 0, 1), (2, 0, 1))
    assert (chain.moves.accepted, chain.moves.novel) == ({SWAP: 1}, 0)


def test_the_best_states_are_remembered_with_the_step() -> None:
    kernel = kernel_of(3, 5, lambda model: proposals(3), reportable=lambda state: len(state.ids) != 4)
    chains = started(kernel, STARTS[0], 8)
    seen = [[(chain.point.log_target, 0, chain.point.state.ids)] for chain in chains]

    def note(chain: Chain[Point], step: Step[Point]) -> None:
        point = chain.point
        seen[chain.candidate].append((point.log_target, chain.steps, point.state.ids))

    walk(kernel, chains, 150, note)
    for chain, visits in zip(chains, seen, strict=True):
        first: dict[tuple[int, ...], tuple[float, int]] = {}
        for value, step, ids in visits:
            if len(ids) != 4:
                first.setdefault(ids, (value, step))
        best = sorted(first.items(), key=lambda item: -item[1][0])[:KEPT]
        found = [(visit.point.ids, (visit.point.log_target, visit.sweep)) for visit in chain.best]
        assert found == best
        assert len(best) == KEPT
    assert len({visit.sweep for chain in chains for visit in chain.best}) > 12


def test_a_text_locked_elsewhere_may_be_the_better_visit() -> None:
    """Blanks of the same text differ by where its locks lie."""
    subject = Subject(length=(1, 1))
    worse = State.of([((0,), 1), ((1, 2), FREE), ((2,), 2), ((3,), 3)], subject=subject)
    better = State.of([((0,), 1), ((1,), FREE), ((2,), 2), ((2,), FREE), ((3,), 3)], subject=subject)
    assert worse.ids == better.ids
    kernel = Cgmh(Target(random_bigrams(4, 1), terms=((-1.0, Outside(blanks=True)),)), proposals(4))
    for first, second in ((worse, better), (better, worse)):
        chain = kernel.start(KEY, 0, first)
        [chain.point] = kernel.target.points([second], [None])
        chain.remember(1)
        assert [visit.point.state for visit in chain.best] == [better]


def test_a_chain_may_start_where_the_distribution_is_not() -> None:
    kernel = kernel_of(3, 4, lambda model: proposals(3))
    chains = started(kernel, State.of([((0, 1, 2, 0, 1), FREE)]), 20)
    assert {chain.point.log_target for chain in chains} == {-inf}
    walk(kernel, chains, 1)
    assert {chain.point.log_target > -inf for chain in chains} == {True, False}
    for chain in chains:
        # the first deletion is made, whatever its ratio
        assert (chain.point.log_target > -inf) == (DELETE in chain.moves.proposed)
    walk(kernel, chains, 40)
    assert all(chain.point.log_target > -inf for chain in chains)
    assert all(visit.point.log_target > -inf for chain in chains for visit in chain.best)


def test_annealed_chains_find_the_most_probable_text() -> None:
    kernel = kernel_of(3, 5, lambda model: proposals(3))
    kernel = replace(kernel, target=replace(kernel.target, power=0.5))
    space = space_of(kernel, states_of([(1,), (0, 1)], 3, 5, any_order=True))
    most = max(space.points, key=lambda point: point.log_target).state
    chains = started(kernel, STARTS[2], 40)
    walk(kernel, chains, 400, schedule=Schedule(2.0, 0.1, kind="geometric"))
    assert sum(chain.best[0].point.state == most for chain in chains) > 34
    assert sum(chain.point.state == most for chain in chains) > 16
    # at temperature 1 they are there less often
    assert float(space.distribution().max()) < 0.06
