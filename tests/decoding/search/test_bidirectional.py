"""Synchronous bidirectional search against half beams, the textbook's algorithm and enumeration."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
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
    logits_of,
    random_logits,
    same,
)

from textgen.choice import filters
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.bidirectional import bidirectional_search


def plain(vocab: int) -> Scorings:
    return Scoring(everything(vocab)), Scoring(everything(vocab))


def search_one(
    model: TwoWayTable, search: BeamSearch, scorings: Scorings | None = None, source: Prefix = ()
) -> list[Hypothesis]:
    return bidirectional_search(model, [source], scorings or plain(model.vocab_size), search)[0]


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


@dataclass(frozen=True)
class Text:
    """A text of the textbook's algorithm; `memory` is that of all but its last piece."""

    ids: tuple[int, ...]
    total: float
    logprob: float
    memory: Memory


def textbook(
    logits: TwoWayLogits, search: BeamSearch, scorings: Scorings, source: Prefix = ()
) -> tuple[list[Hypothesis], int]:
    """The same search as slow lists that never stop early, and how many steps it makes."""
    root = Memory(source)
    memories = [
        [root.after(0, root, 1)] * (search.width // 2),
        [root.after(1, root, 0)] * (search.width // 2),
    ]
    alive = [[Text((), 0.0, 0.0, root)], [Text((), 0.0, 0.0, root)]]
    pool: list[Hypothesis] = []
    steps = 0

    def found(text: Text, reason: str, lane: int) -> Hypothesis:
        score = search.length.score(text.total, len(text.ids))
        return Hypothesis(list(text.ids), text.logprob, text.total, score, reason, lane)

    while any(alive) and steps < search.length.limit:
        for lane, texts in enumerate(alive):
            candidates = []
            for text, memory in zip(texts, memories[lane], strict=False):
                history = torch.tensor([text.ids], dtype=torch.long).view(1, -1)
                logprobs, scores = scorings[lane](history, logits(memory)[None])
                for token, (logprob, score) in enumerate(zip(logprobs[0], scores[0], strict=True)):
                    if score > -torch.inf:
                        ids = (*text.ids, token)
                        total, sums = text.total + float(score), text.logprob + float(logprob)
                        candidates.append(Text(ids, total, sums, memory))
            candidates.sort(key=lambda candidate: -candidate.total)
            for text in candidates[: (search.width // 2)]:
                if text.ids[-1] == search.eos:
                    pool.append(found(text, "stop", lane))
            alive[lane] = [text for text in candidates if text.ids[-1] != search.eos][: (search.width // 2)]
        steps += 1
        # the best stands in for missing ranks; a direction with no text at all is remembered as it was
        ranks = [[*texts, *texts[:1] * ((search.width // 2) - len(texts))] for texts in alive]
        memories = [
            [
                text.memory.after(text.ids[-1], ranks[1 - lane][rank].memory, ranks[1 - lane][rank].ids[-1])
                if ranks[1 - lane]
                else text.memory.after(text.ids[-1], memories[1 - lane][rank])
                for rank, text in enumerate(ranks[lane])
            ]
            or memories[lane]
            for lane in (0, 1)
        ]
    pool.sort(key=lambda hypothesis: -hypothesis.score)
    cut = [found(text, "length", lane) for lane, texts in enumerate(alive) for text in texts]
    cut.sort(key=lambda hypothesis: -hypothesis.score)
    return (pool + cut)[: search.width], steps


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
