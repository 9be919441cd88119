"""The constrained beam finds what enumeration finds, and never ends without its keywords."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache, partial
from math import log

import pytest
import torch
from fakes import Table, TabularModel, batch_of, everything, random_table, table_of
from test_beam import logprob_of, same

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint, constraint_of, unwritable
from textgen.decoding.hypothesis import Hypothesis, Length, Pool
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.constrained import allot, constrained_beam_search
from textgen.store.load import LoadedModel

VOCAB, EOS = 4, 3
NONE = Constraint()


def keywords(*words: Sequence[int], ordered: bool = False) -> Constraint:
    """A constraint whose keywords have one spelling each."""
    return Constraint(tuple((tuple(word),) for word in words), ordered)


def search_one(
    table: Table,
    constraint: Constraint,
    search: BeamSearch,
    *,
    vocab: int = VOCAB,
    scoring: Scoring | None = None,
) -> list[Hypothesis]:
    scoring = scoring or Scoring(everything(vocab))
    model = TabularModel(vocab, table)
    return constrained_beam_search(model, batch_of([[]]), scoring, search, [constraint])[0]


def ends_of(patterns: Sequence[Sequence[int]], ids: Sequence[int]) -> list[int]:
    """Where any of the patterns ends in a text."""
    return [
        end
        for end in range(1, len(ids) + 1)
        if any(tuple(ids[:end])[-len(pattern) :] == tuple(pattern) for pattern in patterns)
    ]


def holds(constraint: Constraint, ids: Sequence[int]) -> bool:
    """Whether a text holds all keywords, in order if that counts, by trying all occurrences."""
    ends = [ends_of(patterns, ids) for patterns in constraint.patterns]
    if not constraint.ordered:
        return all(ends)
    return any(list(chain) == sorted(chain) for chain in itertools.product(*ends))


@cache
def texts(limit: int) -> list[tuple[int, ...]]:
    """All that may be written: ended, or cut at the limit."""
    words = (itertools.product(range(VOCAB), repeat=length) for length in range(1, limit + 1))
    return [
        ids
        for ids in itertools.chain.from_iterable(words)
        if EOS not in ids[:-1] and (ids[-1] == EOS or len(ids) == limit)
    ]


def enumerated(table: Table, constraint: Constraint, length: Length) -> list[Hypothesis]:
    """All texts that hold the keywords, best first; they must be there with one piece to spare."""
    found = []
    for ids in texts(length.limit):
        if holds(constraint, ids if not constraint.patterns else ids[:-1]):
            total = logprob_of(table, ids)
            reason = "stop" if ids[-1] == EOS else "length"
            found.append(Hypothesis(list(ids), total, total, length.score(total, len(ids)), reason))
    return sorted(found, key=lambda hypothesis: (hypothesis.reason != "stop", -hypothesis.score))


CONSTRAINTS = {
    "none": NONE,
    "one piece": keywords([1]),
    "two pieces": keywords([0, 2]),
    "its own prefix": keywords([0, 0, 1]),
    "two keywords": keywords([0, 1], [2]),
    "overlapping": keywords([0, 1], [1, 2]),
    "one within another": keywords([0, 1, 2], [1], [1, 2]),
    "twice the same": keywords([1, 1], [1, 1]),
    "three": keywords([0], [1], [2]),
    "two spellings": Constraint((((0, 1), (2,)), ((1, 2),))),
    "in order": keywords([2], [0, 1], ordered=True),
    "overlapping in order": keywords([0, 1], [1, 0], ordered=True),
    "three in order": keywords([2], [1], [0], ordered=True),
    "again in order": keywords([1], [0], [1, 0], ordered=True),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("limit", [4, 5])
def test_exhaustive_width_equals_enumeration(name: str, limit: int) -> None:
    for seed, (penalty, gnmt) in enumerate([(0.0, False), (1.0, False), (-0.5, False), (0.7, True)]):
        table = random_table(VOCAB, 10 * limit + seed)
        length = Length(limit, penalty, gnmt)
        found = search_one(table, CONSTRAINTS[name], BeamSearch(364, EOS, length))
        wanted = enumerated(table, CONSTRAINTS[name], length)
        assert wanted
        same(found, wanted)


@pytest.mark.parametrize("ordered", [False, True])
def test_right_to_left_writes_the_same_texts(ordered: bool) -> None:
    """With reversed keywords exactly the texts whose reversal holds them are found."""
    forwards = keywords([0, 1], [1, 2], ordered=ordered)
    backwards = keywords([2, 1], [1, 0], ordered=ordered)
    assert mirrored(forwards) == backwards
    found = search_one(random_table(VOCAB, 3), backwards, BeamSearch(364, EOS, Length(5)))
    wanted = {ids[-2::-1] for ids in texts(5) if ids[-1] == EOS and holds(forwards, ids[-2::-1])}
    assert {tuple(h.ids[-2::-1]) for h in found if h.reason == "stop"} == wanted


class Letters:
    """A tokenizer of one piece a letter; a space goes with the letter behind it."""

    def encode(self, text: str) -> list[int]:
        return [ord(letter) + 1000 * (before == " ") for before, letter in pairs(text) if letter != " "]


def pairs(text: str) -> Iterator[tuple[str, str]]:
    return zip("x" + text, text, strict=False)


def mirrored(constraint: Constraint) -> Constraint:
    turned = tuple(tuple(p[::-1] for p in patterns) for patterns in reversed(constraint.patterns))
    return Constraint(turned, constraint.ordered)


@pytest.mark.parametrize("ordered", [False, True])
def test_constraints_of_keywords(ordered: bool) -> None:
    a, b, c = map(ord, "abc")
    words = ["ab", "c", "ab", "b"]
    found = constraint_of(words, Letters(), ordered=ordered)
    if ordered:  # b is within ab, but not beside it
        assert found.patterns == (((a, b), (a + 1000, b)), ((c,), (c + 1000,)), ((b,), (b + 1000,)))
    else:
        assert found.patterns == (((a, b), (a + 1000, b)), ((c,), (c + 1000,)))
    assert found.ordered == ordered
    assert constraint_of(words, Letters(), reverse=True, ordered=ordered) == mirrored(found)


def test_what_cannot_be_written(title_model: LoadedModel) -> None:
    from textgen.choice.allowed import title_ids

    tokenizer = title_model.tokenizer
    allowed = title_ids(tokenizer, len(tokenizer.vocabulary))
    assert unwritable(["广州", "龘龘", "MH370", "a\nb"], tokenizer, allowed) == ["龘龘", "a\nb"]
    (pattern,) = constraint_of(["广州市"], tokenizer).patterns
    assert [tokenizer.decode(list(ids)) for ids in pattern] == ["广州市"]


@pytest.mark.parametrize("name", [name for name in CONSTRAINTS if name != "none"])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_what_is_finished_holds_the_keywords(name: str, width: int) -> None:
    """And whatever the width, all that is found does, since the limit permits it."""
    for seed in range(12):
        table = random_table(VOCAB, seed, scale=3.0)
        limit = 4 + seed % 6
        found = search_one(table, CONSTRAINTS[name], BeamSearch(width, EOS, Length(limit)))
        assert found
        for h in found:
            assert holds(CONSTRAINTS[name], h.ids)
            assert h.total == pytest.approx(logprob_of(table, h.ids), abs=1e-5)
            assert len(h.ids) <= limit


def settings(vocab: int) -> Scoring:
    allowed = everything(vocab)
    allowed[0] = False  # as in every task: padding is never written
    eos = vocab - 1
    soft = partial(filters.repetition_penalty, penalty=1.4, exempt=(eos, 0))
    return Scoring(allowed, soft=[soft], hard=[partial(filters.no_repeat_ngram, n=3, exempt=(eos, 0))])


@pytest.mark.parametrize("penalty", [0.0, 1.0, -0.5])
@pytest.mark.parametrize("width", [1, 3, 4])
def test_without_keywords_it_is_the_beam(width: int, penalty: float) -> None:
    vocab = 6
    sources, histories = [[n, n % 3] for n in range(9)], [[1 + n % 4] * (n % 5) for n in range(9)]
    batch = Batch(sources, [1] * 9, histories)
    search = BeamSearch(width, vocab - 1, Length(16, penalty))
    for seed in range(4):
        table = random_table(vocab, seed, scale=2.0)
        one, other = TabularModel(vocab, table), TabularModel(vocab, table)
        found = constrained_beam_search(one, batch, settings(vocab), search, [NONE] * 9)
        assert found == beam_search(other, batch, settings(vocab), search)
        assert one.calls == other.calls


MIXED = [
    NONE,
    keywords([1, 2]),
    keywords([4, 4, 3], [2]),
    keywords([3], [1], ordered=True),
    NONE,
    Constraint((((1, 1), (2, 2, 2)), ((3,),))),
]


@pytest.mark.parametrize("width", [1, 3, 8])
def test_a_batch_of_mixed_constraints_equals_single_rows(width: int) -> None:
    vocab = 6
    table = random_table(vocab, 5, scale=2.0)
    search = BeamSearch(width, vocab - 1, Length(14, 0.5))
    sources, histories = [[n] for n in range(6)], [[1 + n % 4] * (n % 5) for n in range(6)]
    model = TabularModel(vocab, table)
    together = constrained_beam_search(
        model, Batch(sources, [1] * 6, histories), settings(vocab), search, MIXED
    )
    alone = [
        constrained_beam_search(
            TabularModel(vocab, table), Batch([source], [1], [history]), settings(vocab), search, [constraint]
        )[0]
        for source, history, constraint in zip(sources, histories, MIXED, strict=True)
    ]
    assert together == alone
    assert len(set(model.calls[1:])) > 1  # sources did leave the search at different times
    for constraint, pool in zip(MIXED, together, strict=True):
        assert all(holds(constraint, h.ids) for h in pool if h.reason == "stop")
        assert pool[0].reason == "stop"


def test_there_is_a_constraint_for_every_source() -> None:
    model = TabularModel(VOCAB, random_table(VOCAB, 0))
    with pytest.raises(ValueError, match="shorter"):
        constrained_beam_search(
            model, batch_of([[1], [2]]), Scoring(everything(VOCAB)), BeamSearch(2, EOS, Length(4)), [NONE]
        )


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


@pytest.mark.parametrize("penalty", [0.0, 1.0, -0.5])
def test_stopping_early_loses_nothing(penalty: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound looks at all unfinished hypotheses, those without the keywords too."""

    def searched() -> tuple[list[list[Hypothesis]], int]:
        found, steps = [], 0
        for seed in range(30):
            model = TabularModel(VOCAB, random_table(VOCAB, seed, scale=2.5))
            search = BeamSearch(2 + seed % 3, EOS, Length(10, penalty))
            batch, constraint = batch_of([[]]), keywords([0, 1], [2])
            found += constrained_beam_search(model, batch, Scoring(everything(VOCAB)), search, [constraint])
            steps += len(model.calls)
        return found, steps

    early, steps = searched()
    monkeypatch.setattr(Pool, "closed_to", lambda *_: False)
    late, all_steps = searched()
    assert early == late
    assert steps < all_steps


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
