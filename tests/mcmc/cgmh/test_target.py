"""The terms of the distribution, and their sum."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sequences import random_bigrams

from textgen.mcmc.cgmh.edits import FREE, Ids, State, Subject
from textgen.mcmc.cgmh.target import (
    Distance,
    Length,
    Missing,
    Outside,
    Repeated,
    Shared,
    Target,
    TooSimilar,
    levenshtein,
)

SUBJECT = Subject(source=(0, 1, 2, 2), words=((1,), (2, 0), (0, 0, 0)), length=(2, 4))


def text(*ids: int, subject: Subject = SUBJECT) -> State:
    return State(ids, (FREE,) * len(ids), subject=subject)


@pytest.mark.parametrize(
    ("parts", "open_left", "open_right", "lengths"),
    [
        ([], True, True, [0]),
        ([((5, 6, 7), 0)], True, True, [3]),
        ([((8, 9), 1)], True, True, [0, 0]),
        ([((8, 9), 1)], False, True, [0]),
        ([((8, 9), 1)], True, False, [0]),
        ([((8, 9), 1)], False, False, []),
        ([((5,), 0), ((8, 9), 1), ((6, 7), 0)], True, True, [1, 2]),
        ([((8, 9), 1), ((6, 7), 0)], False, True, [2]),
        ([((8,), 1), ((6, 7), 0), ((9, 9), 2)], False, False, [2]),
        ([((8,), 1), ((6, 7), 0), ((9, 9), 2)], True, True, [0, 2, 0]),
        ([((8,), 2), ((9,), 1), ((7,), 0), ((8,), 3)], True, False, [0, 0, 1]),
    ],
)
def test_blanks(parts: list[tuple[Ids, int]], open_left: bool, open_right: bool, lengths: list[int]) -> None:
    state = State.of(parts, open_left=open_left, open_right=open_right)
    assert [len(blank) for blank in state.blanks] == lengths
    assert all(state.labels[place] == FREE for blank in state.blanks for place in blank)


def test_how_far_a_length_is_outside() -> None:
    states = [text(*range(length)) for length in range(8)]
    assert Outside().values(states) == [2, 1, 0, 0, 0, 1, 2, 3]
    assert Outside().values([text(1, subject=Subject())]) == [0]


def test_how_far_blanks_are_outside() -> None:
    parts = [((7,) * 6, 0), ((8,), 1), ((7,), 0), ((9,), 2), ((7,) * 3, 0), ((9,), 3)]
    state = State.of(parts, subject=SUBJECT)
    assert state.blanks == [range(6), range(7, 8), range(9, 12), range(13, 13)]
    assert Outside(blanks=True).values([state]) == [2 + 1 + 0 + 2]
    closed = State.of(parts[1:], open_left=False, open_right=False, subject=SUBJECT)
    assert Outside(blanks=True).values([closed, state]) == [1, 5]


def test_length() -> None:
    assert Length().values([text(), text(4), text(4, 4, 2)]) == [0, 1, 3]


def test_missing_words() -> None:
    found = Missing().values([text(), text(1), text(2, 1, 0), text(2, 0, 1), text(1, 0, 0, 0), text(0, 0)])
    assert found == [3, 2, 2, 1, 1, 3]
    assert Missing().values([text(2, 0, 0, 0, 1)]) == [0]
    assert Missing().values([text(subject=Subject()), text(1, subject=Subject(words=((3,),)))]) == [0, 1]


def test_shared_pieces_are_the_f1_of_the_multisets() -> None:
    found = Shared().values([text(0, 1, 2, 2), text(2, 2, 1, 0), text(2, 2, 2), text(3, 3), text()])
    assert found == pytest.approx([1.0, 1.0, 2 * 2 / 7, 0.0, 0.0])
    # precision 1/3, recall 1/4
    assert Shared().values([text(1, 1, 1)]) == pytest.approx([2 * (1 / 3) * (1 / 4) / (1 / 3 + 1 / 4)])
    assert Shared().values([text(subject=Subject()), text(1, subject=Subject())]) == [0.0, 0.0]


def test_distance_is_that_from_the_source() -> None:
    found = Distance().values(
        [text(0, 1, 2, 2), text(), text(0, 2, 2), text(1, 0, 2, 2), text(9, 9, 9, 9, 9)]
    )
    assert found == [0, 4, 1, 2, 5]
    assert Distance().values([text(1, 2, subject=Subject()), text(7, subject=Subject(source=(7,)))]) == [2, 0]


@pytest.mark.parametrize(
    ("ids", "count"),
    [
        ((), 0),
        ((1,), 0),
        ((1, 1), 0),  # a word of two equal tokens
        ((1, 1, 1), 1),
        ((1, 2, 3, 1), 0),
        ((1, 2, 1, 2), 1),
        ((1, 2, 3, 1, 2, 3, 1), 3),
        ((1, 8, 2, 8, 3), 0),
        ((1, 8, 8, 2), 1),  # two marks
        ((1, 9, 8, 9, 2), 2),
        ((8, 9, 8, 9), 3),
        ((1, 8, 1, 8), 1),
    ],
)
def test_repeated_neighbours_and_marks(ids: Ids, count: int) -> None:
    assert Repeated(frozenset({8, 9})).values([text(1, 2), text(*ids)]) == [0, count]


def by_recursion(one: Ids, other: Ids) -> int:
    """The definition: the best last edit."""

    @cache
    def least(n: int, m: int) -> int:
        if not n or not m:
            return n + m
        return min(
            least(n - 1, m) + 1, least(n, m - 1) + 1, least(n - 1, m - 1) + (one[n - 1] != other[m - 1])
        )

    return least(len(one), len(other))


@given(*[st.lists(st.integers(0, 2), max_size=8).map(tuple)] * 2)
def test_levenshtein_is_the_least_number_of_edits(one: Ids, other: Ids) -> None:
    found = levenshtein(one, other)
    assert found == by_recursion(one, other) == levenshtein(other, one)
    assert (found == 0) == (one == other)


def test_levenshtein_of_all_short_texts_is_the_length_of_the_shortest_path() -> None:
    """Walks of single edits among all texts of at most three tokens: no formula, only neighbours."""
    texts = [ids for length in range(4) for ids in product(range(2), repeat=length)]
    near = {ids: {other for other in texts if _one_edit(ids, other)} for ids in texts}
    for start in texts:
        reached, edge, steps = {start: 0}, {start}, 0
        while edge:
            steps += 1
            edge = {other for ids in edge for other in near[ids]} - reached.keys()
            reached |= dict.fromkeys(edge, steps)
        assert reached == {other: levenshtein(start, other) for other in texts}


def _one_edit(one: Ids, other: Ids) -> bool:
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    short, long = sorted((one, other), key=len)
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))


MODEL = random_bigrams(3, 4)
TERMS = ((-2.0, Outside()), (0.5, Length()), (-3.0, Missing()), (4.0, Shared()), (-0.25, Distance()))


def test_the_distribution_is_the_weighted_sum() -> None:
    target = Target(MODEL, 0.7, TERMS)
    states = [text(0, 1, 2), text(), text(2, 0, 0, 0, 1)]
    points = target.points(states, [None] * 3)
    assert [point.state for point in points] == states
    assert [point.scored.logprob for point in points] == [MODEL.logprob(state.ids) for state in states]
    by_hand = [
        0.0 + 0.5 * 3 - 3.0 * 2 + 4.0 * 6 / 7 - 0.25 * 1,
        -2.0 * 2 + 0.0 - 3.0 * 3 + 0.0 - 0.25 * 4,
        -2.0 * 1 + 0.5 * 5 - 0.0 + 4.0 * 6 / 9 - 0.25 * 4,
    ]
    wanted = [0.7 * MODEL.logprob(state.ids) + more for state, more in zip(states, by_hand, strict=True)]
    assert [point.log_target for point in points] == pytest.approx(wanted)


def test_subjects_of_several_rows_stay_apart() -> None:
    other = Subject(source=(1,), words=((2,),), length=(1, 1))
    states = [text(0, 1, 2), text(0, 1, 2, subject=other), text(1, subject=other)]
    target = Target(MODEL, 1.0, TERMS)
    together = target.points(states, [None] * 3)
    assert together == [target.points([state], [None])[0] for state in states]
    assert together[0].log_target != together[1].log_target


def test_impossible_states_are_not_scored() -> None:
    model = random_bigrams(3, 4)
    target = Target(
        model, 0.7, TERMS, [lambda state: len(state.ids) < 3, lambda state: state.ids[:1] != (2,)]
    )
    states = [text(0, 1, 2), text(1, 1), text(2), text(0)]
    parents = model.score([(0,), (1,), (2,), (0, 0)], [None] * 4)
    model.calls.clear()
    points = target.points(states, parents)
    assert [point.state for point in points] == states
    assert [point.log_target == -inf for point in points] == [True, False, True, False]
    assert points[1] == Target(model, 0.7, TERMS).points([states[1]], [None])[0]
    # each with the parent that is its own
    assert model.calls[0] == ([(1, 1), (0,)], [(1,), (0, 0)])
    assert [point.log_target for point in target.points([text(2)], [None])] == [-inf]


@pytest.mark.parametrize(
    ("share", "short"), [(0.0, [0, 0, 0]), (0.5, [2, 1, 0]), (0.3, [2, 1, 0]), (1.0, [4, 3, 1])]
)
def test_edits_that_are_missing_to_a_share_of_the_source(share: float, short: list[int]) -> None:
    subject = Subject(source=(1, 2, 3, 4))
    states = [text(*ids, subject=subject) for ids in ((1, 2, 3, 4), (1, 2, 3), (5, 6, 7, 4))]
    assert TooSimilar(share).values(states) == short
