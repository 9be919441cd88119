"""The constrained beam finds what enumeration finds, and never ends without its keywords."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache, partial

import pytest
from constrained_search import EOS, VOCAB, holds, keywords, search_one
from fakes import Table, TabularModel, batch_of, everything, random_table
from test_beam import logprob_of, same

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint, constraint_of, unwritable
from textgen.decoding.hypothesis import Hypothesis, Length, Pool
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.constrained import constrained_beam_search
from textgen.store.load import LoadedModel

NONE = Constraint()


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
