"""Synchronous bidirectional search against half beams, the textbook's algorithm and enumeration."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import pytest
import torch
from fakes import Prefix, TabularModel, batch_of, everything, random_table
from torch import Tensor
from two_way import (
    PENALTIES,
    WIDTHS,
    Memory,
    Scorings,
    TwoWayLogits,
    TwoWayState,
    TwoWayTable,
    alone,
    better,
    ends_at,
    ends_behind,
    random_logits,
    same,
)
from two_way_search import search_one, textbook

from textgen.choice import filters
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.bidirectional import bidirectional_search


def make_scorings(vocab: int, kind: int) -> Scorings:
    """Filters that differ between the directions; from kind 3 on a direction may have no way to go on."""
    eos = vocab - 1
    allowed = everything(vocab)
    if kind == 1:
        allowed[1] = False
    soft: list[Filter] = [partial(filters.repetition_penalty, penalty=1.7, exempt=(eos,))]
    hard: dict[int, tuple[list[Filter], list[Filter]]] = {
        2: (
            [partial(filters.no_repeat_ngram, n=2, exempt=(eos,))],
            [partial(filters.least_length, length=3, eos=eos)],
        ),
        3: ([], [ends_at(2, eos)]),
        4: ([ends_at(3, eos)], [ends_behind(0, eos)]),
        5: ([ends_behind(1, eos)], []),
    }
    here, there = hard.get(kind, ([], []))
    return (
        Scoring(allowed, hard=here),
        Scoring(everything(vocab), soft=soft if kind in (1, 2) else [], hard=there),
    )


@pytest.mark.parametrize(("penalty", "gnmt"), PENALTIES)
@pytest.mark.parametrize("width", WIDTHS)
def test_silenced_it_is_the_better_of_two_half_beams_bit_for_bit(
    width: int, penalty: float, gnmt: bool
) -> None:
    lanes, reasons = set(), set()
    for seed in range(18):
        vocab = 3 + seed % 3
        eos = vocab - 1
        length = Length(2 + seed % 6, penalty, gnmt)
        logits = random_logits(vocab, seed, scale=1 + seed % 3)
        scorings = make_scorings(vocab, seed % 6)
        model = TwoWayTable(vocab, logits, interaction=False)
        found = search_one(model, BeamSearch(width, eos, length), scorings)
        halves = [
            beam_search(
                TabularModel(vocab, alone(logits)),
                batch_of([[]], first),
                scorings[lane],
                BeamSearch(width // 2, eos, length),
            )[0][0]
            for lane, first in enumerate(model.first)
        ]
        assert replace(found[0], lane=0) == better(halves)
        assert replace(found[0], lane=0) == halves[found[0].lane]
        lanes.add(found[0].lane)
        reasons.add(found[0].reason)
    assert lanes == {0, 1}
    assert "stop" in reasons


@pytest.mark.parametrize("width", WIDTHS)
def test_silenced_ties_are_broken_as_in_the_half_beams(width: int) -> None:
    eos, length = 3, Length(4, 1.0)
    for seed in range(12):
        rough = random_table(4, seed, scale=1.0)
        model = TwoWayTable(4, lambda memory, rough=rough: rough(memory.own).round(), interaction=False)
        found = search_one(model, BeamSearch(width, eos, length))
        halves = [
            beam_search(
                TabularModel(4, lambda prefix, rough=rough: rough(prefix).round()),
                batch_of([[]], first),
                Scoring(everything(4)),
                BeamSearch(width // 2, eos, length),
            )[0][0]
            for first in model.first
        ]
        assert replace(found[0], lane=0) == halves[found[0].lane]
        assert found[0].score == better(halves).score


@pytest.mark.parametrize(("penalty", "gnmt"), PENALTIES)
@pytest.mark.parametrize("kind", range(6))
def test_equals_the_textbook_which_never_stops_early(kind: int, penalty: float, gnmt: bool) -> None:
    stopped_early = seen = 0
    for seed in range(12):
        vocab, width, limit = 3 + seed % 3, (2, 4, 6, 8)[seed % 4], 3 + seed % 5
        logits = random_logits(vocab, seed, scale=1 + seed % 3)
        scorings = make_scorings(vocab, kind)
        search = BeamSearch(width, vocab - 1, Length(limit, penalty, gnmt))
        model = TwoWayTable(vocab, logits)
        found = search_one(model, search, scorings)
        wanted, steps = textbook(logits, search, scorings)
        same(found, wanted)
        stopped_early += len(model.calls) < steps
        silent = search_one(replace(model, interaction=False), search, scorings)
        seen += [h.ids for h in silent] != [h.ids for h in found]
    assert stopped_early
    assert seen > 5  # what the other direction writes does matter


def enumerated(logits: TwoWayLogits, limit: int, penalty: float) -> list[Hypothesis]:
    """Every text of the ids 0, 1 and the end 2; the n-th best of a length sees the n-th best of the other."""
    root = Memory(())
    memories: list[dict[Prefix, Memory]] = [{(): root.after(0, root, 1)}, {(): root.after(1, root, 0)}]
    totals: list[dict[Prefix, float]] = [{(): 0.0}, {(): 0.0}]
    texts: list[tuple[Prefix, float, str, int]] = []
    for length in range(1, limit + 1):
        scores = [{ids: logits(memory).log_softmax(-1) for ids, memory in lane.items()} for lane in memories]
        for lane in (0, 1):
            texts += [
                ((*ids, 2), totals[lane][ids] + float(row[2]), "stop", lane)
                for ids, row in scores[lane].items()
            ]
            totals[lane] = {
                ids: totals[lane][ids[:-1]] + float(scores[lane][ids[:-1]][ids[-1]])
                for ids in itertools.product((0, 1), repeat=length)
            }
        forth, back = (sorted(lane, key=lane.__getitem__, reverse=True) for lane in totals)
        before = memories
        memories = [{}, {}]
        for mine, theirs in zip(forth, back, strict=True):
            one, other = before[0][mine[:-1]], before[1][theirs[:-1]]
            memories[0][mine] = one.after(mine[-1], other, theirs[-1])
            memories[1][theirs] = other.after(theirs[-1], one, mine[-1])
    texts += [(ids, total, "length", lane) for lane in (0, 1) for ids, total in totals[lane].items()]
    found = [
        Hypothesis(list(ids), total, total, total / len(ids) ** penalty, reason, lane)
        for ids, total, reason, lane in texts
    ]
    return sorted(found, key=lambda hypothesis: (hypothesis.reason != "stop", -hypothesis.score))


@pytest.mark.parametrize("penalty", [0.0, 1.0, -0.5])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_exhaustive_width_equals_enumeration(limit: int, penalty: float) -> None:
    half = 3 * 2 ** (limit - 1) + 1  # one more than the last step has candidates
    for seed in range(20):
        logits = random_logits(3, seed)
        found = search_one(TwoWayTable(3, logits), BeamSearch(2 * half, 2, Length(limit, penalty)))
        same(found, enumerated(logits, limit, penalty)[: 2 * half])
        assert {h.lane for h in found} == {0, 1}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_direction_has_its_own_filters_and_histories(width: int) -> None:
    """Left to right writes 0 and 1, right to left 2 and 3, in any number of groups."""
    eos = 4
    histories: list[list[list[int]]] = [[], []]

    def recorded(lane: int) -> Filter:
        def filter_(ids: Tensor, scores: Tensor) -> Tensor:
            histories[lane].extend(ids.tolist())
            return scores

        return filter_

    scorings = tuple(
        Scoring(torch.tensor([lane == 0] * 2 + [lane == 1] * 2 + [True]), hard=[recorded(lane)])
        for lane in (0, 1)
    )
    model = TwoWayTable(5, random_logits(5, 3))
    sources = [[n] for n in range(5)]
    found = bidirectional_search(
        model, sources, (scorings[0], scorings[1]), BeamSearch(width, eos, Length(6, 0.0))
    )
    assert len(set(model.calls[1:])) > 1
    for lane, pieces in enumerate([{0, 1}, {2, 3}]):
        assert len(histories[lane]) == sum(model.calls[1:]) / 2 + 5 * width / 2
        assert {piece for history in histories[lane] for piece in history} == pieces
        texts = [h.ids for pool in found for h in pool if h.lane == lane]
        assert texts
        for ids in texts:
            assert set(ids) <= {*pieces, eos}
            assert all(ids[:n] in histories[lane] for n in range(len(ids)))


@pytest.mark.parametrize(("penalty", "gnmt"), PENALTIES)
@pytest.mark.parametrize("kind", [0, 2, 4, 5])
@pytest.mark.parametrize("width", [2, 6])
def test_a_batch_equals_single_sources(width: int, kind: int, penalty: float, gnmt: bool) -> None:
    vocab = 4
    scorings = make_scorings(vocab, kind)
    search = BeamSearch(width, vocab - 1, Length(8, penalty, gnmt))
    model = TwoWayTable(vocab, random_logits(vocab, 2, scale=2.0))
    sources = [[n, n % 3] for n in range(9)]
    together = bidirectional_search(model, sources, scorings, search)
    single = [search_one(replace(model, calls=[]), search, scorings, tuple(source)) for source in sources]
    assert together == single
    if penalty == 0.0:
        assert len(set(model.calls[1:])) > 1  # groups did leave the search at different times
    for source, pool in zip(sources, together, strict=True):
        same(pool, textbook(model.logits, search, scorings, tuple(source))[0])


def test_logprobs_are_those_before_soft_and_hard_filters() -> None:
    soft = partial(filters.repetition_penalty, penalty=2.5, exempt=(3,))
    scorings = Scoring(everything(4), soft=[soft]), Scoring(everything(4))
    moved = 0
    for seed in range(10):
        model = TwoWayTable(4, random_logits(4, seed), interaction=False)
        for h in search_one(model, BeamSearch(4, 3, Length(5, 0.0)), scorings):
            prefixes = [(h.lane, *h.ids[:n]) for n in range(len(h.ids))]
            wanted = sum(
                float(model.logits(Memory(prefix)).log_softmax(-1)[token])
                for prefix, token in zip(prefixes, h.ids, strict=True)
            )
            assert h.logprob == pytest.approx(wanted, abs=1e-5)
            assert h.lane == 0 or h.total == h.logprob
            moved += abs(h.total - wanted) > 0.01
    assert moved > 5


def test_the_fake_pairs_by_rank() -> None:
    """Groups of four rows: the first with the third, the second with the fourth."""
    state = TwoWayState([Memory((n,)) for n in range(8)], [None] * 8, size=4)
    assert [state.partner(row) for row in range(8)] == [2, 3, 0, 1, 6, 7, 4, 5]
