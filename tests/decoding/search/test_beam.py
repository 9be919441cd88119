"""Beam search finds what enumeration and the textbook's algorithm find."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
import torch
from fakes import (
    Prefix,
    Table,
    TabularModel,
    batch_of,
    everything,
    random_scoring,
    random_table,
    table_of,
    written,
)

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.token_by_token import best
from textgen.decoding.stop import Stop

PENALTIES = [0.0, 1.0, -0.5]


def search_one(
    table: Table,
    vocab: int,
    search: BeamSearch,
    *,
    scoring: Scoring | None = None,
    source: Sequence[int] = (),
) -> list[Hypothesis]:
    scoring = scoring or Scoring(everything(vocab))
    return beam_search(TabularModel(vocab, table), batch_of([source]), scoring, search)[0]


def logprob_of(table: Table, ids: Sequence[int], source: Prefix = ()) -> float:
    """Log-probability of a text, piece by piece."""
    prefix = (*source, 0)
    total = 0.0
    for token in ids:
        total += float(table(prefix).log_softmax(-1)[token])
        prefix += (token,)
    return total


def textbook(
    table: Table, search: BeamSearch, scoring: Scoring, source: Prefix = ()
) -> tuple[list[Hypothesis], int]:
    """The same search as slow lists, which stop early only if they are to, and how many steps it makes."""
    alive = [(0.0, 0.0, ())]
    pool: list[Hypothesis] = []
    steps = 0
    while alive and steps < search.length.limit:
        candidates = []
        for total, logprob, ids in alive:
            history = torch.tensor([ids], dtype=torch.long).view(1, -1)
            logprobs, scores = scoring(history, table((*source, 0, *ids))[None])
            candidates += [
                (total + float(scores[0, token]), logprob + float(logprobs[0, token]), (*ids, token))
                for token in range(scores.shape[1])
                if scores[0, token] > -torch.inf
            ]
        candidates.sort(key=lambda candidate: -candidate[0])
        for total, logprob, ids in candidates[: search.width]:
            if ids[-1] == search.eos:
                score = total / len(ids) ** search.length.penalty
                pool.append(Hypothesis(list(ids), logprob, total, score, "stop"))
        alive = [candidate for candidate in candidates if candidate[2][-1] != search.eos][: search.width]
        steps += 1
        full = sorted((one.score for one in pool), reverse=True)[: search.width]
        best = alive[0][0] / (steps + 1) ** search.length.penalty if alive else 0.0
        if search.length.early and len(full) == search.width and best <= full[-1]:
            alive = []
    pool.sort(key=lambda hypothesis: -hypothesis.score)
    cut = [
        Hypothesis(list(ids), logprob, total, total / len(ids) ** search.length.penalty, "length")
        for total, logprob, ids in alive
    ]
    return (pool + sorted(cut, key=lambda hypothesis: -hypothesis.score))[: search.width], steps


def same(found: Sequence[Hypothesis], wanted: Sequence[Hypothesis]) -> None:
    assert [(h.ids, h.reason) for h in found] == [(h.ids, h.reason) for h in wanted]
    for one, other in zip(found, wanted, strict=True):
        for name in ("logprob", "total", "score"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(("vocab", "limit"), [(3, 4), (4, 3)])
def test_exhaustive_width_equals_enumeration(vocab: int, limit: int, penalty: float) -> None:
    eos = vocab - 1
    for seed in range(15):
        table = random_table(vocab, seed)
        found = search_one(table, vocab, BeamSearch(vocab**limit, eos, Length(limit, penalty)))
        wanted = []
        for length in range(1, limit + 1):
            for ids in itertools.product(range(vocab), repeat=length):
                if eos not in ids[:-1] and (ids[-1] == eos or length == limit):
                    total = logprob_of(table, ids)
                    reason = "stop" if ids[-1] == eos else "length"
                    wanted.append(Hypothesis(list(ids), total, total, total / length**penalty, reason))
        wanted.sort(key=lambda hypothesis: (hypothesis.reason != "stop", -hypothesis.score))
        same(found, wanted)
        ended = [h for h in wanted if h.reason == "stop"]
        assert found[0].ids == max(ended, key=lambda h: h.score).ids


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 2.0, -0.5, -1.0])
@pytest.mark.parametrize("kind", range(5))
def test_equals_the_textbook_which_never_stops_early(kind: int, penalty: float) -> None:
    stopped_early = 0
    for seed in range(24):
        vocab, width, limit = 3 + seed % 3, 1 + seed % 4, 4 + seed % 5
        table = random_table(vocab, seed, scale=1 + seed % 3)
        scoring = random_scoring(vocab, kind)
        search = BeamSearch(width, vocab - 1, Length(limit, penalty))
        model = TabularModel(vocab, table)
        found = beam_search(model, batch_of([[]]), scoring, search)[0]
        wanted, steps = textbook(table, search, scoring)
        same(found, wanted)
        stopped_early += len(model.calls) < steps
    assert stopped_early


@pytest.mark.parametrize("penalty", [0.6, 1.0, 2.0])
def test_early_stopping_equals_a_textbook_that_stops_early(penalty: float) -> None:
    shorter = 0
    for seed in range(40):
        vocab, width, limit = 3 + seed % 3, 1 + seed % 4, 5 + seed % 5
        table = random_table(vocab, seed, scale=1 + seed % 3)
        search = BeamSearch(width, vocab - 1, Length(limit, penalty, early=True))
        model, patient = TabularModel(vocab, table), TabularModel(vocab, table)
        found = beam_search(model, batch_of([[]]), Scoring(everything(vocab)), search)[0]
        wanted, steps = textbook(table, search, Scoring(everything(vocab)))
        same(found, wanted)
        assert len(model.calls) == steps
        whole = replace(search, length=Length(limit, penalty))
        beam_search(patient, batch_of([[]]), Scoring(everything(vocab)), whole)
        shorter += len(model.calls) < len(patient.calls)
    assert shorter


def test_width_one_is_greedy() -> None:
    reasons = set()
    for seed in range(60):
        table = random_table(5, seed)
        found = search_one(table, 5, BeamSearch(1, 4, Length(6, 0.0)))
        stop = Stop(4, 6)
        draft = written(
            TabularModel(5, table),
            batch_of([[]]),
            Scoring(everything(5)),
            best,
            lambda _, ids, stop=stop: stop.reason(ids),
        )[0]
        assert [h.ids for h in found] == [draft.ids]
        assert found[0].reason == draft.reason
        assert found[0].logprob == pytest.approx(sum(draft.logprobs), abs=1e-5)
        reasons.add(draft.reason)
    assert reasons == {"stop", "length"}


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("width", [1, 3, 4])
def test_a_batch_equals_single_rows(width: int, penalty: float) -> None:
    vocab, eos, pad = 6, 5, 0
    table = random_table(vocab, 2, scale=2.0)
    sources = [[n, n % 3] for n in range(9)]
    histories = [[1 + n % 4] * (n % 5) for n in range(9)]
    search = BeamSearch(width, eos, Length(16, penalty))
    allowed = everything(vocab)
    allowed[pad] = False  # as in every task: padding is never written
    scoring = Scoring(
        allowed,
        soft=[partial(filters.repetition_penalty, penalty=1.4, exempt=(eos, pad))],
        hard=[partial(filters.no_repeat_ngram, n=2, exempt=(eos, pad))],
    )
    model = TabularModel(vocab, table)
    together = beam_search(model, Batch(sources, [1] * 9, histories), scoring, search, pad=pad)
    alone = [
        beam_search(TabularModel(vocab, table), Batch([source], [1], [history]), scoring, search, pad=pad)[0]
        for source, history in zip(sources, histories, strict=True)
    ]
    assert together == alone
    assert len(set(model.calls[1:])) > 1  # groups did leave the search at different times
    assert len(together) == 9


A, B, C, D, END = range(5)
TRAP = table_of(
    {
        (): [0.6, 0, 0.4, 0, 0],
        (A,): [0, 0.55, 0, 0.45, 0],
        (C,): [0, 0.1, 0, 0.9, 0],
    },
    [0, 0, 0, 0, 1],
)


@pytest.mark.parametrize(("width", "ids", "prob"), [(1, [A, B, END], 0.33), (2, [C, D, END], 0.36)])
def test_the_trap(width: int, ids: list[int], prob: float) -> None:
    found = search_one(TRAP, 5, BeamSearch(width, END, Length(5, 0.0)))
    assert found[0].ids == ids
    assert torch.tensor(found[0].logprob).exp() == pytest.approx(prob, abs=1e-6)
    assert found[0].reason == "stop"


def test_all_of_the_trap() -> None:
    found = search_one(TRAP, 5, BeamSearch(8, END, Length(5, 0.0)))
    assert [h.ids[:2] for h in found] == [[C, D], [A, B], [A, D], [C, B]]  # and no dead hypotheses
    assert [round(float(torch.tensor(h.logprob).exp()), 4) for h in found] == [0.36, 0.33, 0.27, 0.04]


def test_only_ends_within_the_first_width_enter_the_pool() -> None:
    """An end on rank 3 of a beam of 2 is no hypothesis, though nothing longer is as probable."""
    eos = 2
    behind = [0.25, 0.25, 0.5]
    third = table_of({(): [0.45, 0.35, 0.2]}, behind)
    found = search_one(third, 3, BeamSearch(2, eos, Length(6, 0.0)))
    assert [h.ids for h in found] == [[0, eos], [1, eos]]
    second = table_of({(): [0.45, 0.2, 0.35]}, behind)
    found = search_one(second, 3, BeamSearch(2, eos, Length(6, 0.0)))
    assert [h.ids for h in found] == [[eos], [0, eos]]
    assert search_one(third, 3, BeamSearch(3, eos, Length(6, 0.0)))[1].ids == [eos]


def test_what_is_unfinished_at_the_limit_is_cut_and_comes_last() -> None:
    """The unfinished are the more probable, and yet rank behind what is finished."""
    table = table_of({(): [0.7, 0.3, 0.0], (1,): [0.8, 0.15, 0.05]}, [0.6, 0.3, 0.1])
    found = search_one(table, 3, BeamSearch(4, 2, Length(2, 1.0)))
    assert [(h.ids, h.reason) for h in found] == [
        ([0, 2], "stop"),
        ([0, 0], "length"),
        ([1, 0], "length"),
        ([0, 1], "length"),
    ]
    assert found[0].score < found[1].score
    for h in found:
        assert h.total == pytest.approx(logprob_of(table, h.ids), abs=1e-6)
        assert h.score == pytest.approx(h.total / len(h.ids), abs=1e-6)
        assert len(h.ids) <= 2


def test_nothing_finished() -> None:
    table = table_of({}, [0.7, 0.3, 0.0])
    found = search_one(table, 3, BeamSearch(2, 2, Length(4, 1.0)))
    assert {h.reason for h in found} == {"length"}
    assert found[0].ids == [0, 0, 0, 0]
    assert sum(found[1].ids) == 1  # all permutations of one 1 are as good


@pytest.mark.parametrize("penalty", PENALTIES)
def test_logprobs_are_those_before_soft_and_hard_filters(penalty: float) -> None:
    eos = 4
    soft = partial(filters.repetition_penalty, penalty=2.5, exempt=(eos,))
    hard = partial(filters.no_repeat_ngram, n=2, exempt=(eos,))
    moved = 0
    for seed in range(20):
        table = random_table(5, seed)
        found = search_one(
            table,
            5,
            BeamSearch(3, eos, Length(6, penalty)),
            scoring=Scoring(everything(5), soft=[soft], hard=[hard]),
        )
        for h in found:
            assert h.logprob == pytest.approx(logprob_of(table, h.ids), abs=1e-5)
            total = 0.0
            for n, token in enumerate(h.ids):
                scores = soft(torch.tensor([h.ids[:n]], dtype=torch.long), table((0, *h.ids[:n]))[None])
                total += float(scores.log_softmax(-1)[0, token])
            assert h.total == pytest.approx(total, abs=1e-5)
            assert h.score == pytest.approx(total / len(h.ids) ** penalty, abs=1e-5)
            moved += abs(h.total - h.logprob) > 0.01
    assert moved > 20


@pytest.mark.parametrize("gnmt", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 0.5, 1.0, 2.0, -0.5, -2.0])
def test_the_bound_holds_for_every_end(penalty: float, gnmt: bool) -> None:
    lengths = Length(12, penalty, gnmt)
    for total in (0.0, -0.3, -4.0, -40.0):
        for length in range(1, 12):
            for end in range(length + 1, 13):
                for added in (0.0, -0.7, -9.0):
                    assert lengths.score(total + added, end) <= lengths.bound(total, length) + 1e-12


def test_sources_matter() -> None:
    table = random_table(5, 4)
    search = BeamSearch(2, 4, Length(6))
    found = beam_search(TabularModel(5, table), batch_of([[1], [2]]), Scoring(everything(5)), search)
    assert found[0] != found[1]
    for source, pool in zip([(1,), (2,)], found, strict=True):
        for h in pool:
            assert h.logprob == pytest.approx(logprob_of(table, h.ids, source), abs=1e-5)
