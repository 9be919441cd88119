"""How the constrained beam meets its keywords where the model, the limit or the filters are against it."""

from __future__ import annotations

from functools import partial
from math import log

import pytest
import torch
from constrained_search import VOCAB, holds, keywords, search_one
from fakes import everything, random_table, table_of

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Length
from textgen.decoding.search.constrained import allot

A, B, C, END = range(4)


def test_a_broken_match_falls_back() -> None:
    """Three times a, then b: the last two of them begin a a b, and a a a b is one piece shorter."""
    table = table_of({(): [1, 0, 0, 0], (A,): [1, 0, 0, 0], (A, A): [1, 0, 0, 0]}, [0, 0.5, 0, 0.5])
    found = search_one(table, keywords([A, A, B]), BeamSearch(2, END, Length(5)))
    assert found[0].ids == [A, A, A, B, END]
    assert found[0].logprob == pytest.approx(2 * log(0.5), abs=1e-6)


def test_overlapping_keywords_are_met_by_one_occurrence() -> None:
    """广州 and 州市 in three pieces, though the model likes both apart better than the end."""
    constraint = keywords([A, B], [B, C])
    found = search_one(random_table(VOCAB, 1), constraint, BeamSearch(1, END, Length(4, 0.0)))
    assert found[0].ids[:3] == [A, B, C]
    assert not holds(constraint, [A, B, A, C])


def test_the_keyword_is_written_at_last_where_the_model_never_would() -> None:
    """A beam of one: the deadline forces what every earlier step lost."""
    table = table_of({}, [0.989, 0.005, 0.001, 0.005])
    for limit in range(4, 9):
        (found,) = search_one(table, keywords([B, C, B]), BeamSearch(1, END, Length(limit, 0.0)))
        assert holds(keywords([B, C, B]), found.ids)
    (short,) = search_one(table, keywords([B, C, B]), BeamSearch(1, END, Length(4, 0.0)))
    assert short.ids[:3] == [B, C, B]


def test_a_limit_that_leaves_no_room_for_the_end() -> None:
    """The keyword still comes, though it cannot be finished; and one too long is begun."""
    table = random_table(VOCAB, 2)
    found = search_one(table, keywords([B, C, B]), BeamSearch(3, END, Length(3)))
    assert [(h.ids, h.reason) for h in found] == [([B, C, B], "length")]
    found = search_one(table, keywords([B, C, B, A]), BeamSearch(3, END, Length(3)))
    assert [(h.ids, h.reason) for h in found] == [([B, C, B], "length")]


def test_a_keyword_that_is_not_allowed_is_never_met_and_holds_up_nothing() -> None:
    allowed = everything(VOCAB)
    allowed[C] = False
    for ordered in (False, True):
        constraint = keywords([C], [B, B], ordered=ordered)
        found = search_one(
            random_table(VOCAB, 0), constraint, BeamSearch(2, END, Length(5)), scoring=Scoring(allowed)
        )
        assert {h.reason for h in found} == {"length"}
        for h in found:
            assert holds(keywords([B, B]), h.ids)
            assert C not in h.ids


def test_a_spelling_that_is_not_allowed_does_not_put_off_the_deadline() -> None:
    allowed = everything(VOCAB)
    allowed[C] = False
    constraint = Constraint((((C,), (B, B, B)),))
    table = table_of({}, [0.98, 0.005, 0.005, 0.01])
    found = search_one(table, constraint, BeamSearch(2, END, Length(7)), scoring=Scoring(allowed))
    assert found
    assert all(holds(keywords([B, B, B]), h.ids) for h in found)


def test_banned_pieces_stay_banned() -> None:
    """No piece twice: only the overlap meets both keywords, and what lost it stays unfinished."""
    hard = [partial(filters.no_repeat_ngram, n=1, exempt=(END,))]
    constraint = keywords([A, B], [B, C])
    reasons = set()
    for seed in range(8):
        found = search_one(
            random_table(VOCAB, seed),
            constraint,
            BeamSearch(8, END, Length(5)),
            scoring=Scoring(everything(VOCAB), hard=hard),
        )
        for h in found:
            assert len(h.ids) == len(set(h.ids))
            assert (h.reason == "stop") == (h.ids == [A, B, C, END])
            reasons.add(h.reason)
    assert "stop" in reasons


def test_the_filters_may_leave_nothing() -> None:
    """Only the end may be written, and it may not."""

    def only_the_end(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return scores.masked_fill(torch.arange(VOCAB) != END, -torch.inf)

    scoring = Scoring(everything(VOCAB), hard=[only_the_end])
    assert not search_one(
        random_table(VOCAB, 0), keywords([A]), BeamSearch(2, END, Length(4)), scoring=scoring
    )


def test_a_keyword_of_several_pieces_is_not_lost_at_its_first() -> None:
    """An improbable first piece, then nothing but the keyword: found where it is best, not at the limit."""
    table = table_of(
        {
            (): [0.98, 0.02, 0, 0],
            (B,): [0, 0, 1, 0],
            (B, C): [0, 0, 0, 1],
        },
        [0.9, 0.001, 0.001, 0.098],
    )
    found = search_one(table, keywords([B, C]), BeamSearch(4, END, Length(12)))
    assert found[0].ids == [B, C, END]
    assert found[0].logprob == pytest.approx(log(0.02), abs=1e-6)


def test_ends_enter_the_pool_from_the_first_candidates_with_all_keywords() -> None:
    """The end is the third piece behind the keyword; a beam of two does not take it."""
    table = table_of({(): [0.1, 0.8, 0.1, 0], (B,): [0.5, 0.3, 0, 0.2]}, [0.9, 0.05, 0.04, 0.01])
    short = [h.ids for h in search_one(table, keywords([B]), BeamSearch(2, END, Length(3)))]
    assert [B, END] not in short
    wide = [h.ids for h in search_one(table, keywords([B]), BeamSearch(3, END, Length(3)))]
    assert [B, END] in wide


@pytest.mark.parametrize(
    ("counts", "width", "places"),
    [
        ([9, 9, 9], 6, [2, 2, 2]),
        ([9, 9, 9], 7, [3, 2, 2]),
        ([1, 9, 20], 9, [1, 3, 5]),
        ([3, 1, 20], 6, [2, 1, 3]),
        ([1, 1, 1], 9, [1, 1, 1]),
        ([9, 9, 9, 9], 2, [1, 1, 0, 0]),
        ([0, 3], 2, [0, 2]),
        ([], 3, []),
    ],
)
def test_places_are_split_evenly_and_spare_ones_go_to_the_fullest(
    counts: list[int], width: int, places: list[int]
) -> None:
    assert allot(counts, width) == places
