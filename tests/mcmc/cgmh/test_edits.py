"""Texts with locks: where they may be edited, and what the edits make of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sequences import at_most, proposals, random_bigrams, walk

from textgen.mcmc.cgmh.edits import DELETE, FREE, INSERT, REPLACE, SWAP, Context, Operations, State, Subject
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.moves import Choice, choices
from textgen.mcmc.cgmh.target import Point, Target
from textgen.mcmc.chain import Chain, Step
from textgen.rng import row_key

SUBJECT = Subject(source=(1, 2), words=((3,),), length=(1, 9))

EMPTY = State.of([])
PLAIN = State.of([((5, 6, 7), FREE)])
ONE = State.of([((5,), FREE), ((8, 9), 1), ((6, 7), FREE)])
ADJACENT = State.of([((8, 9), 2), ((4,), 1), ((5,), FREE), ((7, 7, 7), 3)])
CLOSED = State.of([((1,), 1), ((5, 6), FREE), ((2, 3), 2)], open_left=False, open_right=False)
HALF = State.of([((1,), 1), ((5,), FREE)], open_left=False, open_right=True, subject=SUBJECT)


@pytest.mark.parametrize(
    ("state", "free", "gaps", "spans"),
    [
        (EMPTY, [], [0], []),
        (PLAIN, [0, 1, 2], [0, 1, 2, 3], []),
        (ONE, [0, 3, 4], [0, 1, 3, 4, 5], [range(1, 3)]),
        (ADJACENT, [3], [0, 2, 3, 4, 7], [range(2), range(2, 3), range(4, 7)]),
        (CLOSED, [1, 2], [1, 2, 3], [range(1), range(3, 5)]),
        (HALF, [1], [1, 2], [range(1)]),
        (State.of([((8, 9), 1)]), [], [0, 2], [range(2)]),
        (State.of([((8, 9), 1)], open_left=False), [], [2], [range(2)]),
        (State.of([((8, 9), 1)], open_right=False), [], [0], [range(2)]),
        (State.of([], open_left=False), [], [0], []),
        (State.of([], open_right=False), [], [0], []),
        (State.of([], open_left=False, open_right=False), [], [], []),
        # the same token twice, locked apart: a gap lies between
        (State.of([((8,), 1), ((8,), 2)]), [], [0, 1, 2], [range(1), range(1, 2)]),
    ],
)
def test_where_a_text_may_be_edited(
    state: State, free: list[int], gaps: list[int], spans: list[range]
) -> None:
    assert state.free == free
    assert state.gaps == gaps
    assert state.spans == spans
    assert choices(state, REPLACE) == [Choice(REPLACE, place) for place in free]
    assert choices(state, DELETE) == [Choice(DELETE, place) for place in free]
    assert choices(state, INSERT) == [Choice(INSERT, gap) for gap in gaps]


def test_parts_are_joined() -> None:
    assert (ONE.ids, ONE.labels) == ((5, 8, 9, 6, 7), (0, 1, 1, 0, 0))
    assert (ONE.open_left, ONE.open_right, ONE.subject) == (True, True, Subject())
    assert (HALF.ids, HALF.labels, HALF.open_left, HALF.open_right) == ((1, 5), (1, 0), False, True)
    assert HALF.subject == SUBJECT
    assert State.of([([], 0), ([3, 4], 1), ([], 2)]) == State((3, 4), (1, 1))


def test_locked_elsewhere_is_another_state() -> None:
    one, other = State.of([((8,), 1), ((8,), FREE)]), State.of([((8,), FREE), ((8,), 1)])
    assert one.ids == other.ids
    assert one != other
    assert len({one, other, State.of([((8,), 1), ((8,), FREE)])}) == 2


def test_pairs_that_may_change_places() -> None:
    assert [EMPTY.pairs, PLAIN.pairs, ONE.pairs] == [[], [], []]
    assert ADJACENT.pairs == [(1, 2), (1, 3), (2, 3)]
    assert choices(ADJACENT, SWAP) == [Choice(SWAP, pair=pair) for pair in ADJACENT.pairs]


def test_edits_by_hand() -> None:
    assert ONE.replaced(0, 3) == State((3, 8, 9, 6, 7), (0, 1, 1, 0, 0))
    assert ONE.replaced(4, 3) == State((5, 8, 9, 6, 3), (0, 1, 1, 0, 0))
    assert ONE.inserted(0, 3) == State((3, 5, 8, 9, 6, 7), (0, 0, 1, 1, 0, 0))
    assert ONE.inserted(3, 3) == State((5, 8, 9, 3, 6, 7), (0, 1, 1, 0, 0, 0))
    assert ONE.inserted(5, 3) == State((5, 8, 9, 6, 7, 3), (0, 1, 1, 0, 0, 0))
    assert ONE.deleted(0) == State((8, 9, 6, 7), (1, 1, 0, 0))
    assert ONE.deleted(4) == State((5, 8, 9, 6), (0, 1, 1, 0))
    assert PLAIN.deleted(1) == State((5, 7), (0, 0))
    assert EMPTY.inserted(0, 3) == State((3,), (0,))
    assert HALF.inserted(2, 3) == State((1, 5, 3), (1, 0, 0), False, True, SUBJECT)


def test_swaps_by_hand() -> None:
    assert ADJACENT.swapped(1, 2) == State((4, 8, 9, 5, 7, 7, 7), (1, 2, 2, 0, 3, 3, 3))
    assert ADJACENT.swapped(2, 3) == State((7, 7, 7, 4, 5, 8, 9), (3, 3, 3, 1, 0, 2, 2))
    assert ADJACENT.swapped(3, 1) == State((8, 9, 7, 7, 7, 5, 4), (2, 2, 3, 3, 3, 0, 1))
    assert CLOSED.swapped(1, 2) == State((2, 3, 5, 6, 1), (2, 2, 0, 0, 1), False, False)


def test_what_stands_around() -> None:
    assert ONE.around(0) == Context((), (8, 9, 6, 7))
    assert ONE.around(3) == Context((5, 8, 9), (7,))
    assert ONE.at_gap(0) == Context((), (5, 8, 9, 6, 7))
    assert ONE.at_gap(3) == Context((5, 8, 9), (6, 7))
    assert ONE.at_gap(5) == Context((5, 8, 9, 6, 7), ())
    assert Context((5,), (6, 7)).filled(3) == (5, 3, 6, 7)
    assert Context((), ()).filled(3) == (3,)


@pytest.mark.parametrize(
    ("uniform", "move"),
    [
        (0.0, REPLACE),
        (0.0999, REPLACE),
        (0.1, INSERT),
        (0.2999, INSERT),
        (0.3001, DELETE),
        (0.5999, DELETE),
        (0.6001, SWAP),
        (0.8999, SWAP),
        (0.9001, None),
        (1 - 2**-53, None),
    ],
)
def test_a_move_is_chosen_by_its_probability(uniform: float, move: str | None) -> None:
    assert Operations(0.1, 0.2, 0.3, 0.3).choose(uniform) == move


def test_moves_of_probability_zero_are_never_chosen() -> None:
    assert Operations(0.0, 0.0, 0.0, 1.0).choose(0.0) == SWAP
    assert Operations(0.5, 0.0, 0.5).choose(0.5) == DELETE
    assert {Operations(0.0, 0.5, 0.0).choose(n / 10) for n in range(10)} == {INSERT, None}


tokens = st.lists(st.integers(0, 4), min_size=1, max_size=3)


@st.composite
def texts(draw: st.DrawFn) -> State:
    """Any text with up to four locked spans, blank or not between them; a closed end has a span."""
    parts: list[tuple[list[int], int]] = []
    labels = draw(st.permutations(range(1, draw(st.integers(0, 4)) + 1)))
    for label in labels:
        parts += [(draw(st.lists(st.integers(0, 4), max_size=2)), FREE), (draw(tokens), label)]
    parts.append((draw(st.lists(st.integers(0, 4), max_size=2)), FREE))
    left = parts[0][0] != [] or not labels or draw(st.booleans())
    right = parts[-1][0] != [] or not labels or draw(st.booleans())
    return State.of(parts, open_left=left, open_right=right, subject=SUBJECT)


def keywords_of(state: State) -> dict[int, tuple[int, ...]]:
    return {state.labels[span.start]: state.ids[span.start : span.stop] for span in state.spans}


@given(texts())
def test_every_edit_has_its_reverse_and_keeps_the_locks(state: State) -> None:
    assert len(state.spans) == len(set(state.labels) - {FREE})
    for gap in state.gaps:
        after = state.inserted(gap, 9)
        assert gap in after.free
        assert after.deleted(gap) == state
        assert after.around(gap) == state.at_gap(gap)
    for place in state.free:
        after = state.deleted(place)
        assert place in after.gaps
        assert after.inserted(place, state.ids[place]) == state
        assert after.at_gap(place) == state.around(place)
        other = state.replaced(place, 9)
        assert other.replaced(place, state.ids[place]) == state
        assert other.around(place) == state.around(place)
    for one, other_label in state.pairs:
        after = state.swapped(one, other_label)
        assert after != state
        assert after.pairs == state.pairs
        assert after.swapped(one, other_label) == after.swapped(other_label, one) == state
        order, swapped = [[s.labels[span.start] for span in s.spans] for s in (state, after)]
        trade = {one: other_label, other_label: one}
        assert swapped == [trade.get(label, label) for label in order]


@given(texts(), st.randoms(use_true_random=False))
def test_any_walk_keeps_every_keyword_whole(state: State, chance: random.Random) -> None:
    wanted = keywords_of(state)
    for _ in range(30):
        found = choices(state, chance.choice([REPLACE, INSERT, DELETE, SWAP]))
        state = chance.choice(found).apply(state, chance.randrange(5)) if found else state
        assert keywords_of(state) == wanted
        assert len(state.spans) == len(wanted)  # none is in two parts
        assert len(state.ids) == len(state.labels)
        assert state.open_left or state.labels[0] != FREE
        assert state.open_right or state.labels[-1] != FREE
        assert state.subject == SUBJECT


def test_every_state_on_the_way_holds_its_keywords() -> None:
    model = random_bigrams(4, 1)
    kernel = Cgmh(
        Target(model, 0.5, constraints=[at_most(10)]), proposals(4), Operations(0.3, 0.25, 0.2, 0.2)
    )
    spans: Sequence[tuple[tuple[int, ...], int]] = [((0, 1), 1), ((2, 2, 0), 2), ((3,), 3)]
    orders, steps = set(), Counter[str]()

    def check(chain: Chain[Point], step: Step[Point]) -> None:
        state = chain.point.state
        found = {state.labels[span.start]: state.ids[span.start : span.stop] for span in state.spans}
        assert found == {label: ids for ids, label in spans}
        assert len(state.spans) == 3
        assert len(state.ids) == len(state.labels) <= 10
        if chain.candidate >= 5:
            assert FREE not in (state.labels[0], state.labels[-1])
        orders.add(tuple(state.labels[span.start] for span in state.spans))
        steps[step.move] += step.changed

    chains = [
        kernel.start(row_key(1, "walk"), n, State.of(spans, open_left=n < 5, open_right=n < 5))
        for n in range(10)
    ]
    walk(kernel, chains, 400, check)
    assert len(orders) == 6
    assert min(steps[move] for move in (REPLACE, INSERT, DELETE, SWAP)) > 40
