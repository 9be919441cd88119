"""When synchronous bidirectional search ends, and what becomes of a direction that has ended."""

from __future__ import annotations

import pytest
import torch
from fakes import everything
from torch import Tensor
from two_way import (
    Memory,
    TwoWayTable,
    ends_at,
    logits_of,
    random_logits,
    same,
)
from two_way_search import search_one, textbook

from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length


@pytest.mark.parametrize("slow", [0, 1])
def test_the_bound_looks_at_both_halves(slow: int) -> None:
    """One direction fills the pool and is finished with; the best answer is still being written."""
    fast, a, b, end = 1 - slow, 0, 1, 2
    logits = logits_of(
        {
            (fast,): [0.4, 0.1, 0.5],
            (fast, a): [0.05, 0.05, 0.9],
            (slow,): [0.98, 0.01, 0.01],
            (slow, a): [0.01, 0.98, 0.01],
            (slow, a, b): [0.98, 0.01, 0.01],
        },
        [0.01, 0.01, 0.98],
    )
    model = TwoWayTable(3, logits)
    found = search_one(model, BeamSearch(2, end, Length(8, 0.0)))
    assert [(h.ids, h.lane) for h in found] == [([a, b, a, end], slow), ([end], fast)]
    assert len(model.calls) == 4  # and then it is over


@pytest.mark.parametrize("slow", [0, 1])
def test_the_bound_is_that_of_an_end_at_the_next_step(slow: int) -> None:
    """Where long texts are punished: the sum times three pieces still beats the worst, times four not."""
    fast, a, b, end = 1 - slow, 0, 1, 2
    logits = logits_of(
        {
            (fast,): [0.4, 0.1, 0.5],
            (fast, a): [0.05, 0.05, 0.9],
            (slow,): [0.56, 0.22, 0.22],
            (slow, a): [0.01, 0.98, 0.01],
        },
        [0.01, 0.01, 0.98],
    )
    found = search_one(TwoWayTable(3, logits), BeamSearch(2, end, Length(8, -1.0)))
    assert [(h.ids, h.lane) for h in found] == [([end], fast), ([a, b, end], slow)]


def test_only_ends_within_half_the_width_enter_the_pool() -> None:
    """Of three candidates with two slots a direction the end is the third, or the second."""
    behind = [0.25, 0.25, 0.5]
    logits = logits_of({(0,): [0.45, 0.35, 0.2], (1,): [0.45, 0.2, 0.35]}, behind)
    found = search_one(TwoWayTable(3, logits), BeamSearch(4, 2, Length(6, 0.0)))
    assert [(h.ids, h.lane) for h in found] == [([2], 1), ([0, 2], 0), ([0, 2], 1), ([1, 2], 0)]
    wider = search_one(TwoWayTable(3, logits), BeamSearch(6, 2, Length(6, 0.0)))
    assert ([2], 0) in [(h.ids, h.lane) for h in wider]


@pytest.mark.parametrize("ended", [0, 1])
def test_a_direction_that_ends_stays_visible_as_it_was(ended: int) -> None:
    """One hypothesis a direction, followed by hand: the other one sees one piece of it for ever."""
    eos, limit, going = 3, 6, 1 - ended
    longest = 0
    for seed in range(20):
        logits = random_logits(4, seed)
        scorings = [Scoring(everything(4)), Scoring(everything(4))]
        scorings[ended] = Scoring(everything(4), hard=[ends_at(2, eos)])
        model = TwoWayTable(4, logits)
        found = search_one(model, BeamSearch(2, eos, Length(limit, -1.0)), (scorings[0], scorings[1]))

        root = Memory(())
        memories = [root.after(0, root, 1), root.after(1, root, 0)]
        one, other = (int(logits(memory)[:eos].argmax()) for memory in memories)
        memories = [
            memories[0].after(one, memories[1], other),
            memories[1].after(other, memories[0], one),
        ]
        ids, memory, ends = [(one, other)[going]], memories[going], []
        while len(ids) < limit:
            scores = logits(memory)
            if int(scores.argmax()) == eos:
                ends.append([*ids, eos])
            ids.append(int(scores[:eos].argmax()))
            memory = memory.after(ids[-1], memories[ended])
        assert [h.ids for h in found if h.lane == ended and len(h.ids) > 1] in (
            [],
            [[(one, other)[ended], eos]],
        )
        own = [h.ids for h in found if h.lane == going and len(h.ids) > 1]
        assert all(text in (*ends, ids) for text in own)
        longest = max(longest, *map(len, own), 0)
    assert longest == limit


def test_both_directions_end() -> None:
    scoring = Scoring(everything(4), hard=[ends_at(2, 3)])
    later = Scoring(everything(4), hard=[ends_at(4, 3)])
    for seed in range(4):
        for scorings, steps in [((scoring, scoring), 2), ((scoring, later), 4), ((later, scoring), 4)]:
            model = TwoWayTable(4, random_logits(4, seed))
            search = BeamSearch(80, 3, Length(9, 0.0))  # a pool that is never full
            found = search_one(model, search, scorings)
            assert len(model.calls) == steps
            assert {h.reason for h in found} == {"stop"}
            same(found, textbook(model.logits, search, scorings)[0])


def test_an_end_goes_unpunished_and_a_dead_end_leaves_the_other_direction() -> None:
    """The rows of an ended direction are scored on; one that lacks even the end finds nothing."""
    shapes = []

    def narrow(ids: Tensor, scores: Tensor) -> Tensor:
        shapes.append(ids.shape[1])
        assert (ids[:, 1:] == 3).all(), "what has ended goes on with ends"
        return ends_at(2, 3)(ids, scores)

    model = TwoWayTable(4, logits_of({}, [0.5, 0.3, 0.19, 0.01]))
    search = BeamSearch(4, 3, Length(6, 0.0))
    found = search_one(model, search, (Scoring(everything(4)), Scoring(everything(4), hard=[narrow])))
    assert shapes == list(range(6))
    assert [(h.ids, h.lane, h.reason) for h in found[:2]] == [([0, 3], 1, "stop"), ([1, 3], 1, "stop")]
    blind = Scoring(everything(4) & (torch.arange(4) != 3), hard=[ends_at(3, 3)])
    found = search_one(model, search, (Scoring(everything(4)), blind))
    assert {h.lane for h in found} == {0}


def test_what_is_unfinished_at_the_limit_is_cut_and_comes_last() -> None:
    """The unfinished are the more probable, and yet rank behind what is finished."""
    logits = logits_of(
        {
            (0,): [0.7, 0.3, 0.0],
            (0, 1): [0.9, 0.05, 0.05],
            (1,): [0.4, 0.6, 0.0],
            (1, 1): [0.1, 0.9, 0.0],
        },
        [0.6, 0.3, 0.1],
    )
    found = search_one(TwoWayTable(3, logits), BeamSearch(4, 2, Length(2, 1.0)))
    assert [(h.ids, h.reason, h.lane) for h in found] == [
        ([1, 1], "length", 1),
        ([0, 0], "length", 0),
        ([1, 0], "length", 0),
        ([0, 0], "length", 1),
    ]
    ending = logits_of({(0,): [0.5, 0.1, 0.4]}, [0.9, 0.1, 0.0])
    found = search_one(TwoWayTable(3, ending), BeamSearch(4, 2, Length(3, 1.0)))
    assert [(h.ids, h.reason, h.lane) for h in found[:3]] == [
        ([2], "stop", 0),
        ([0, 0, 0], "length", 1),
        ([0, 0, 0], "length", 0),
    ]
    assert found[0].score < found[1].score
