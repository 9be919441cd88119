"""Diverse beam search is what slow lists, moved group by group, find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import pytest
import torch
from fakes import Prefix, Table, TabularModel, batch_of, everything, random_scoring, random_table, table_of

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.diverse import DiverseBeamSearch, diverse_beam_search

Alive = tuple[float, float, float, Prefix]  # rank, total, logprob, pieces


def bound(rank: float, length: int, search: DiverseBeamSearch) -> float:
    """The best score that any end of an unfinished hypothesis could have."""
    exponent = search.length.penalty
    return max(rank / end**exponent for end in range(length + 1, search.length.limit + 1))


def textbook(
    table: Table, search: DiverseBeamSearch, scoring: Scoring, source: Prefix = ()
) -> tuple[list[Hypothesis], int]:
    """The same search as slow lists, and after how many steps its last group stopped."""
    exponent, width = search.length.penalty, search.width // search.groups
    alive: list[list[Alive]] = [[(0.0, 0.0, 0.0, ())] for _ in range(search.groups)]
    pools: list[list[tuple[float, Hypothesis]]] = [[] for _ in alive]
    step = 0
    while any(alive):
        step += 1
        chosen: Counter[int] = Counter()
        for group, pool in enumerate(pools):
            candidates = []
            for rank, total, logprob, ids in alive[group]:
                history = torch.tensor([ids], dtype=torch.long).view(1, -1)
                logprobs, scores = scoring(history, table((*source, 0, *ids))[None])
                candidates += [
                    (
                        rank + score - search.diversity * chosen[token],
                        total + score,
                        logprob + float(logprobs[0, token]),
                        (*ids, token),
                    )
                    for token, score in enumerate(scores[0].tolist())
                    if score > -torch.inf
                ]
            candidates.sort(key=lambda candidate: -candidate[0])
            for rank, total, logprob, ids in candidates[:width]:
                if ids[-1] == search.eos:
                    clean = total / len(ids) ** exponent
                    ended = Hypothesis(list(ids), logprob, total, clean, "stop", group)
                    pool.append((rank / len(ids) ** exponent, ended))
            pool.sort(key=lambda pair: -pair[0])
            del pool[width:]
            alive[group] = [one for one in candidates if one[3][-1] != search.eos][:width]
            chosen.update(one[3][-1] for one in alive[group])
        for group, pool in enumerate(pools):
            going = alive[group]
            if going and len(pool) == width and step < search.length.limit:
                closed = bound(going[0][0], step, search) <= pool[-1][0]
            else:
                closed = step == search.length.limit
            if closed and step == search.length.limit:
                cut = [
                    (
                        rank / step**exponent,
                        Hypothesis(list(ids), logprob, total, total / step**exponent, "length", group),
                    )
                    for rank, total, logprob, ids in going
                ]
                pool += sorted(cut, key=lambda pair: -pair[0])
                del pool[width:]
            if closed:
                alive[group] = []
    found = [hypothesis for pool in pools for _, hypothesis in pool]
    return sorted(found, key=lambda one: (one.reason != "stop", -one.score)), step


def same(found: Sequence[Hypothesis], wanted: Sequence[Hypothesis]) -> None:
    assert [(h.ids, h.reason, h.lane) for h in found] == [(h.ids, h.reason, h.lane) for h in wanted]
    for one, other in zip(found, wanted, strict=True):
        for name in ("logprob", "total", "score"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, -0.5])
@pytest.mark.parametrize("kind", range(4))
def test_equals_the_textbook(kind: int, penalty: float) -> None:
    stopped_early, spread = 0, 0
    for seed in range(20):
        groups, inside, limit = 1 + seed % 4, 1 + seed % 3, 3 + seed % 6
        diversity = (0.3, 1.0, 3.0)[seed % 5 % 3]
        table = random_table(4, seed, scale=1 + seed % 3)
        search = DiverseBeamSearch(groups * inside, groups, 3, Length(limit, penalty), diversity)
        scoring = random_scoring(4, kind)
        model = TabularModel(4, table)
        found = diverse_beam_search(model, batch_of([[]]), scoring, search)[0]
        wanted, steps = textbook(table, search, scoring)
        same(found, wanted)
        assert len(model.calls) == steps  # asked once a step, for all groups together
        assert set(model.calls[1:]) <= {search.width}
        stopped_early += steps < limit
        spread += len({tuple(h.ids) for h in found}) > inside
    assert spread
    assert stopped_early


@pytest.mark.parametrize("penalty", [0.0, 1.0, -0.5])
@pytest.mark.parametrize(("width", "groups"), [(3, 3), (4, 2), (6, 2), (6, 3)])
def test_without_diversity_every_group_is_a_beam(width: int, groups: int, penalty: float) -> None:
    for seed in range(12):
        table = random_table(5, seed)
        length = Length(6, penalty)
        scoring = random_scoring(5, seed % 4)
        sources = batch_of([[1], [2, 3], []])
        found = diverse_beam_search(
            TabularModel(5, table), sources, scoring, DiverseBeamSearch(width, groups, 4, length, 0.0)
        )
        beams = beam_search(TabularModel(5, table), sources, scoring, BeamSearch(width // groups, 4, length))
        for hypotheses, beam in zip(found, beams, strict=True):
            for group in range(groups):
                own = [h for h in hypotheses if h.lane == group]
                assert [(h.ids, h.logprob, h.total, h.score, h.reason) for h in own] == [
                    (h.ids, h.logprob, h.total, h.score, h.reason) for h in beam
                ]
            assert len(hypotheses) == groups * len(beam)


@pytest.mark.parametrize("penalty", [0.0, 1.0, -0.5])
def test_one_group_is_a_beam_whatever_the_diversity(penalty: float) -> None:
    for seed in range(12):
        table = random_table(5, seed)
        length = Length(6, penalty)
        sources = batch_of([[1], [2, 3], []])
        found = diverse_beam_search(
            TabularModel(5, table), sources, random_scoring(5, 2), DiverseBeamSearch(3, 1, 4, length, 5.0)
        )
        assert found == beam_search(
            TabularModel(5, table), sources, random_scoring(5, 2), BeamSearch(3, 4, length)
        )


@pytest.mark.parametrize("diversity", [0.5, 2.0])
@pytest.mark.parametrize(("width", "groups"), [(3, 3), (6, 2), (8, 4)])
def test_a_batch_equals_single_rows(width: int, groups: int, diversity: float) -> None:
    vocab, eos, pad = 6, 5, 0
    table = random_table(vocab, 2, scale=2.0)
    sources = [[n, n % 3] for n in range(9)]
    histories = [[1 + n % 4] * (n % 5) for n in range(9)]
    search = DiverseBeamSearch(width, groups, eos, Length(16), diversity)
    allowed = everything(vocab)
    allowed[pad] = False
    scoring = Scoring(
        allowed,
        soft=[partial(filters.repetition_penalty, penalty=1.4, exempt=(eos, pad))],
        hard=[partial(filters.no_repeat_ngram, n=2, exempt=(eos, pad))],
    )
    model = TabularModel(vocab, table)
    batch = Batch(sources, [1] * 9, histories)
    together = diverse_beam_search(model, batch, scoring, search, pad=pad)
    alone = [
        diverse_beam_search(TabularModel(vocab, table), batch.part([n]), scoring, search, pad=pad)[0]
        for n in range(9)
    ]
    assert together == alone
    assert len(set(model.calls[1:])) > 1  # sources did leave the search at different times


A, B, C, END = range(4)


def test_groups_take_other_pieces_at_a_price_that_is_not_reported() -> None:
    """A has 0.5, B 0.3, C 0.2: the second group takes B once the price is above log(5 / 3)."""
    table = table_of({(): [0.5, 0.3, 0.2, 0.0]}, [0.0, 0.0, 0.0, 1.0])
    for diversity, second, third in [(0.4, A, B), (0.52, B, A), (0.9, B, A), (1.0, B, C)]:
        search = DiverseBeamSearch(3, 3, END, Length(4, 0.0), diversity)
        found = diverse_beam_search(TabularModel(4, table), batch_of([[]]), Scoring(everything(4)), search)[0]
        pieces = {h.lane: h.ids[0] for h in found}
        assert pieces == {0: A, 1: second, 2: third}, diversity
        for h in found:
            assert h.total == h.score == h.logprob
            assert torch.tensor(h.total).exp() == pytest.approx([0.5, 0.3, 0.2][h.ids[0]], abs=1e-6)
        assert [h.total for h in found] == sorted((h.total for h in found), reverse=True)


def test_each_hypothesis_that_chose_a_piece_adds_to_its_price() -> None:
    """Both hypotheses of the first group go on with C; at 0.4 each that is too much, at 0.4 once not."""
    table = table_of(
        {(): [0.5, 0.5, 0.0, 0.0], (A,): [0.34, 0.0, 0.66, 0.0], (B,): [0.0, 0.34, 0.66, 0.0]},
        [0.0, 0.0, 0.0, 1.0],
    )
    search = DiverseBeamSearch(4, 2, END, Length(4, 0.0), 0.4)
    found = diverse_beam_search(TabularModel(4, table), batch_of([[]]), Scoring(everything(4)), search)[0]
    texts = {lane: {tuple(h.ids) for h in found if h.lane == lane} for lane in (0, 1)}
    assert texts == {0: {(A, C, END), (B, C, END)}, 1: {(A, A, END), (B, B, END)}}


def test_the_end_has_no_price() -> None:
    table = table_of({(): [1.0, 0.0, 0.0, 0.0]}, [0.3, 0.0, 0.0, 0.7])
    search = DiverseBeamSearch(3, 3, END, Length(5, 0.0), 0.5)
    found = diverse_beam_search(TabularModel(4, table), batch_of([[]]), Scoring(everything(4)), search)[0]
    assert [h.ids for h in found] == [[A, END]] * 3


def test_a_closed_group_and_impossible_texts_ask_the_filters_nothing() -> None:
    """A filter that fails on every text but the possible ones is never shown another."""
    texts = {(), (A,), (A, A), (A, A, A), (B,), (B, B)}

    def only_possible(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        out = torch.full_like(scores, -torch.inf)
        for row, text in enumerate(ids.tolist()):
            assert tuple(text) in texts
            nexts = [token for token in (A, B) if (*text, token) in texts] + [END] * (len(text) > 1)
            out[row, nexts] = scores[row, nexts]
        return out

    table = table_of({}, [0.4, 0.3, 0.2, 0.1])
    scoring = Scoring(everything(4), hard=[only_possible])
    beam = beam_search(TabularModel(4, table), batch_of([[]]), scoring, BeamSearch(4, END, Length(5)))[0]
    assert {tuple(h.ids) for h in beam} == {(A, A, END), (A, A, A, END), (B, B, END)}
    search = DiverseBeamSearch(8, 2, END, Length(5), 1.0)
    found = diverse_beam_search(TabularModel(4, table), batch_of([[]]), scoring, search)[0]
    assert len(found) == 6


@pytest.mark.parametrize(("width", "groups"), [(4, 3), (2, 4), (0, 1), (4, 0)])
def test_groups_divide_the_width(width: int, groups: int) -> None:
    with pytest.raises(ValueError, match="divide"):
        DiverseBeamSearch(width, groups, 0, Length(3), 0.5)


@pytest.mark.parametrize("diversity", [-0.1, float("nan")])
def test_a_bonus_is_refused(diversity: float) -> None:
    with pytest.raises(ValueError, match="diversity"):
        DiverseBeamSearch(4, 2, 0, Length(3), diversity)
