"""The automaton finds what naive string matching finds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from textgen.choice import automaton as module
from textgen.choice.automaton import ROOT, AhoCorasick

Spelt = list[tuple[tuple[int, ...], int]]  # patterns with their labels

patterns = st.lists(
    st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple), st.integers(0, 3)),
    min_size=1,
    max_size=6,
)
texts = st.lists(st.integers(0, 3), max_size=12)


def build(spelt: Spelt, *, ordered: bool = False) -> AhoCorasick:
    return AhoCorasick([pattern for pattern, _ in spelt], [label for _, label in spelt], ordered=ordered)


def walk(automaton: AhoCorasick, text: Sequence[int]) -> int:
    state = ROOT
    for token in text:
        state = automaton.step(state, token)
    return state


def ends(spelt: Spelt, text: Sequence[int]) -> set[int]:
    """Labels with a pattern at the end of the text."""
    return {label for pattern, label in spelt if tuple(text[-len(pattern) :]) == pattern}


def lacking(spelt: Spelt, text: Sequence[int], unmet: frozenset[int], *, ordered: bool) -> frozenset[int]:
    """What is left of the labels behind the text."""
    for length in range(1, len(text) + 1):
        ended = ends(spelt, text[:length])
        while hit := ended & ({min(unmet)} if ordered and unmet else unmet):
            unmet -= hit
    return unmet


@given(patterns, texts)
def test_nothing_is_left_of_the_patterns_that_end_here(spelt: Spelt, text: list[int]) -> None:
    """The shorter ones within the longest, too."""
    automaton = build(spelt)
    for length in range(len(text) + 1):
        state = walk(automaton, text[:length])
        assert automaton.left(state, automaton.labels) == automaton.labels - ends(spelt, text[:length])


@given(patterns)
def test_the_table_holds_every_step(spelt: Spelt) -> None:
    automaton = build(spelt)
    for state, row in enumerate(automaton.table(4)):
        assert row == [automaton.step(state, symbol) for symbol in range(4)]
        assert walk(automaton, automaton.prefixes[state]) == state


@given(patterns, texts, st.booleans())
def test_left_is_what_a_search_in_the_text_leaves(spelt: Spelt, text: list[int], ordered: bool) -> None:
    automaton = build(spelt, ordered=ordered)
    unmet = automaton.labels
    state = ROOT
    for token in text:
        state = automaton.step(state, token)
        unmet = automaton.left(state, unmet)
    assert unmet == lacking(spelt, text, automaton.labels, ordered=ordered)


@given(patterns, texts, st.sets(st.integers(0, 3)), st.booleans())
def test_wanted_continue_or_begin_an_unmet_label(
    spelt: Spelt, text: list[int], some: set[int], ordered: bool
) -> None:
    automaton = build(spelt, ordered=ordered)
    unmet = frozenset(some) & automaton.labels
    goals = {min(unmet)} if ordered and unmet else unmet
    begun = [
        (pattern, length)
        for pattern, label in spelt
        for length in range(len(pattern))
        if label in goals and (not length or tuple(text[-length:]) == pattern[:length])
    ]
    state = walk(automaton, text)
    assert automaton.wanted(state, unmet) == {pattern[length] for pattern, length in begun}
    assert automaton.matched(state, unmet) == max((length for _, length in begun), default=0)


def fewest(automaton: AhoCorasick, state: int, unmet: frozenset[int]) -> int:
    """Tokens to the nearest place where all is met, by breadth-first search over all texts."""
    queue, seen = deque([(state, unmet, 0)]), {(state, unmet)}
    while True:
        state, unmet, count = queue.popleft()
        if not unmet:
            return count
        for token in range(3):
            after = automaton.step(state, token)
            place = after, automaton.left(after, unmet)
            if place not in seen:
                seen.add(place)
                queue.append((*place, count + 1))


@settings(max_examples=300)
@given(patterns, texts, st.booleans())
@example([((0, 1, 1, 0), 1), ((1,), 0)], [0, 1, 1], True)  # the shorter match comes in its turn
def test_remaining_is_the_least(spelt: Spelt, text: list[int], ordered: bool) -> None:
    automaton = build(spelt, ordered=ordered)
    state = walk(automaton, text)
    assert automaton.remaining(state, automaton.labels) == fewest(automaton, state, automaton.labels)


@given(patterns, texts, st.booleans())
def test_the_bound_for_many_labels_can_be_kept(spelt: Spelt, text: list[int], ordered: bool) -> None:
    """Without the exact answer: never too little, and a wanted token always lowers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EXACT", 0)
        automaton = build(spelt, ordered=ordered)
        state, unmet = walk(automaton, text), automaton.labels
        assert automaton.remaining(state, unmet) >= fewest(automaton, state, unmet)
        while unmet:
            before = automaton.remaining(state, unmet)
            after = [automaton.step(state, token) for token in sorted(automaton.wanted(state, unmet))]
            places = [(state, automaton.left(state, unmet)) for state in after]
            state, unmet = min(places, key=lambda place: automaton.remaining(*place))
            assert automaton.remaining(state, unmet) < before


def test_a_broken_match_falls_back() -> None:
    """After a a a, two of `a a b` still count."""
    automaton = build([((0, 0, 1), 0)])
    state = walk(automaton, [0, 0, 0])
    assert automaton.matched(state, automaton.labels) == 2
    assert not automaton.left(automaton.step(state, 1), automaton.labels)
    assert automaton.remaining(state, automaton.labels) == 1


def test_keywords_within_each_other_and_overlapping() -> None:
    guang, zhou, shi = range(3)
    automaton = build([((guang, zhou), 0), ((guang, zhou, shi), 1), ((zhou,), 2), ((zhou, shi), 3)])
    assert automaton.left(walk(automaton, [guang, zhou]), automaton.labels) == {1, 3}
    assert automaton.left(walk(automaton, [guang, zhou, shi]), automaton.labels) == {0, 2}
    assert automaton.remaining(ROOT, automaton.labels) == 3


def test_a_label_without_pattern_asks_for_nothing() -> None:
    automaton = build([((1, 2), 1)], ordered=True)
    unmet = frozenset({0, 1})
    assert automaton.remaining(ROOT, unmet) == 2
    assert automaton.wanted(ROOT, unmet) == {1}
    assert automaton.left(walk(automaton, [1, 2]), unmet) == {0}


def test_no_patterns() -> None:
    automaton = AhoCorasick([], [])
    assert automaton.step(ROOT, 5) == ROOT
    assert not automaton.wanted(ROOT, frozenset())
    assert automaton.remaining(ROOT, frozenset({3})) == 0


def test_an_empty_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        AhoCorasick([()], [0])


@pytest.mark.parametrize("ordered", [True, False])
def test_an_occurrence_may_count_once(ordered: bool) -> None:
    automaton = AhoCorasick([(1, 2), (1, 2)], [0, 1], ordered=ordered, once=True)
    unmet, state = frozenset({0, 1}), ROOT
    assert automaton.remaining(state, unmet) == 4
    left = []
    for token in (1, 2, 3, 1, 2):
        state = automaton.step(state, token)
        unmet = automaton.left(state, unmet)
        left.append(len(unmet))
    assert left == [2, 1, 1, 1, 0]
