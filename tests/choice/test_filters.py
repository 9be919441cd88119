"""Each filter equals the transformers processor of its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers.generation.logits_process import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from textgen.choice import filters

VOCAB = 23


def logits(seed: int, *, holes: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(6, VOCAB, generator=generator)
    if holes:
        banned = torch.rand(6, VOCAB, generator=generator) < 0.6
        banned[:, 7] = False
        banned[0] = True
        banned[0, 3] = False  # a row with a single id left
        scores = scores.masked_fill(banned, -torch.inf)
    return scores


def history(seed: int, length: int, *, vocab: int = VOCAB) -> Tensor:
    return torch.randint(vocab, (6, length), generator=torch.Generator().manual_seed(seed))


PAIRS = [
    *[(TemperatureLogitsWarper(t), lambda x, t=t: filters.temperature(x, t)) for t in (0.1, 0.7, 1.0, 2.5)],
    *[(TopKLogitsWarper(k), lambda x, k=k: filters.top_k(x, k)) for k in (1, 2, 5, VOCAB, 999)],
    *[(TopPLogitsWarper(p), lambda x, p=p: filters.top_p(x, p)) for p in (1e-9, 0.2, 0.5, 0.9, 0.999)],
    *[(MinPLogitsWarper(p), lambda x, p=p: filters.min_p(x, p)) for p in (0.0, 0.01, 0.1, 0.5, 1.0)],
    *[(TypicalLogitsWarper(m), lambda x, m=m: filters.typical(x, m)) for m in (1e-6, 0.2, 0.5, 0.95, 0.999)],
    *[(EpsilonLogitsWarper(e), lambda x, e=e: filters.epsilon(x, e)) for e in (1e-9, 3e-4, 0.02, 0.3, 0.99)],
    *[(EtaLogitsWarper(e), lambda x, e=e: filters.eta(x, e)) for e in (1e-9, 4e-3, 0.1, 0.5, 0.99)],
]


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_draw_filters_equal_transformers(
    theirs: Callable[[Tensor, Tensor], Tensor], ours: Callable[[Tensor], Tensor], holes: bool
) -> None:
    for seed in range(40):
        scores = logits(seed, holes=holes)
        given = scores.clone()
        found = ours(scores)
        assert torch.equal(found, theirs(history(seed, 4), given.clone()))
        assert torch.equal(scores, given)  # a filter changes nothing in place
        assert (found > -torch.inf).any(-1).all()


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.2, 3.0])
def test_repetition_penalty_equals_transformers(penalty: float, holes: bool) -> None:
    processor = RepetitionPenaltyLogitsProcessor(penalty)
    for seed in range(20):
        scores, ids = logits(seed, holes=holes), history(seed, seed)
        given = scores.clone()
        found = filters.repetition_penalty(ids, scores, penalty)
        assert torch.equal(found, processor(ids, given.clone()) if seed else given)
        assert torch.equal(scores, given)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_no_repeat_ngram_equals_transformers(n: int) -> None:
    processor = NoRepeatNGramLogitsProcessor(n)
    banned = 0
    for seed in range(30):
        scores, ids = logits(seed, holes=seed % 2 == 0), history(seed, 1 + seed, vocab=3)
        given = scores.clone()
        found = filters.no_repeat_ngram(ids, scores, n)
        assert torch.equal(found, processor(ids, given.clone()))
        assert torch.equal(scores, given)
        banned += int(((found == -torch.inf) & (given > -torch.inf)).sum())
    assert banned > 20


def test_presence_and_frequency_by_counting() -> None:
    for seed in range(20):
        scores, ids = logits(seed, holes=seed % 2 == 0), history(seed, 4 * seed, vocab=5)
        given = scores.clone()
        found = filters.presence_frequency(ids, scores, 0.75, 0.25, exempt=(1, VOCAB - 1))
        wanted = given.clone()
        for row, held in enumerate(ids.tolist()):
            for i in set(held) - {1, VOCAB - 1}:
                wanted[row, i] -= 0.75 + 0.25 * held.count(i)
        assert torch.allclose(found, wanted, rtol=0, atol=1e-5)
        assert torch.equal(found[:, [1, *range(5, VOCAB)]], given[:, [1, *range(5, VOCAB)]])
        assert torch.equal(scores, given)


def test_presence_and_frequency_are_exact_and_apart() -> None:
    scores = torch.zeros(1, 4)
    ids = torch.tensor([[2] * 1001 + [3]])
    assert filters.presence_frequency(ids, scores, 0.5, 0.0).tolist() == [[0, 0, -0.5, -0.5]]
    assert filters.presence_frequency(ids, scores, 0.0, 0.5).tolist() == [[0, 0, -500.5, -0.5]]
    assert filters.presence_frequency(ids, scores, -1.0, 0.0).tolist() == [[0, 0, 1, 1]]
    shifted = filters.presence_frequency(ids, scores + 8, 0.5, 0.25)  # unlike the repetition penalty
    assert torch.equal(shifted, filters.presence_frequency(ids, scores, 0.5, 0.25) + 8)


small = st.integers(0, 3)


@settings(deadline=None)
@given(
    st.integers(1, 6).flatmap(
        lambda rows: st.integers(0, 14).flatmap(
            lambda length: st.lists(
                st.lists(small, min_size=length, max_size=length), min_size=rows, max_size=rows
            )
        )
    ),
    st.integers(1, 4),
    st.sets(small),
    st.lists(st.lists(small, min_size=1, max_size=5).map(tuple), max_size=2),
)
def test_no_repeat_ngram_by_its_definition(
    rows: list[list[int]], n: int, exempt: set[int], spared: list[tuple[int, ...]]
) -> None:
    """A piece is banned if its n-gram is there, unless it is exempt or goes on with a spared run."""
    scores = torch.arange(5.0).expand(len(rows), -1)
    ids = torch.tensor(rows, dtype=torch.long).view(len(rows), -1)
    found = filters.no_repeat_ngram(ids, scores, n, exempt, spared)
    for row, held in enumerate(rows):
        grams = [held[at : at + n] for at in range(len(held) - n + 1)]
        for piece in range(5):
            text = [*held, piece]
            begun = [list(run[: at + 1]) for run in spared for at in range(len(run))]
            free = piece in exempt or any(text[-len(part) :] == part for part in begun)
            assert (found[row, piece] == -torch.inf) == (text[-n:] in grams and not free)
    assert scores.tolist() == [[0, 1, 2, 3, 4]] * len(rows)


def test_a_keyword_may_come_again() -> None:
    a, b, c, x = range(4)
    scores = torch.zeros(1, 5)

    def bans(held: list[int], spared: list[tuple[int, ...]]) -> list[int]:
        found = filters.no_repeat_ngram(torch.tensor([held]), scores, 2, spared=spared)
        return (found[0] == -torch.inf).nonzero()[:, 0].tolist()

    held = [a, b, c, x, a]
    assert bans(held, []) == [b]
    assert bans(held, [(a, b, c)]) == []
    assert bans([*held, b], []) == [c]
    assert bans([*held, b], [(a, b, c)]) == []
    assert bans([*held, b], [(x, b, c)]) == [c]  # b stands elsewhere than in that keyword
    assert bans([*held, b, c], [(a, b, c)]) == [x]  # behind the keyword all is as ever
    assert bans([*held, b, c], [(x,)]) == []
    assert bans([x, a, x], []) == [a]
    assert bans([x, a, x], [(a, b, c)]) == []  # it may be begun
    assert bans([x, a, b, a], [(x, a, b, a, b)]) == []  # the whole row is its beginning


@pytest.mark.parametrize("length", [0, 3, 4, 5])
def test_least_length_equals_transformers(length: int) -> None:
    for held in (1, 3, 4, 5, 9):
        scores, ids = logits(held), history(held, held)
        given = scores.clone()
        found = filters.least_length(ids, scores, length, 2)
        assert torch.equal(scores, given)
        if length:
            assert torch.equal(found, MinLengthLogitsProcessor(length, 2)(ids, given.clone()))
        if length > 2:  # two given, the rest new
            new = MinNewTokensLengthLogitsProcessor(2, length - 2, 2)
            assert torch.equal(found, new(ids, given.clone()))


def test_the_end_is_exempt() -> None:
    eos = 5
    scores = logits(1)
    ids = torch.tensor([[5, 9, 5, 1, 5, 9, 5, 1, 9]] * 6)  # after 9 comes 5
    penalised = filters.repetition_penalty(ids, scores, 2.0, exempt=(eos, 0))
    assert torch.equal(penalised[:, eos], scores[:, eos])
    assert not torch.equal(penalised[:, 9], scores[:, 9])
    penalised = filters.presence_frequency(ids, scores, 1.0, 1.0, exempt=(eos, 0))
    assert torch.equal(penalised[:, eos], scores[:, eos])
    assert not torch.equal(penalised[:, 9], scores[:, 9])
    both = filters.no_repeat_ngram(ids, scores, 2, exempt=(eos,))
    assert torch.equal(both, scores)
    assert (filters.no_repeat_ngram(ids, scores, 2)[:, eos] == -torch.inf).all()


def test_nothing_written_yet() -> None:
    scores, ids = logits(2), torch.empty(6, 0, dtype=torch.long)
    assert torch.equal(filters.repetition_penalty(ids, scores, 1.5, exempt=(1, 0)), scores)
    assert torch.equal(filters.presence_frequency(ids, scores, 1.0, 1.0, exempt=(1, 0)), scores)
    assert torch.equal(filters.no_repeat_ngram(ids, scores, 1, exempt=(1,), spared=[(2, 3)]), scores)
    assert (filters.least_length(ids, scores, 1, 4)[:, 4] == -torch.inf).all()


def kept(found: Tensor) -> list[int]:
    return (found[0] > -torch.inf).nonzero()[:, 0].tolist()


def test_vectors() -> None:
    scores = torch.tensor([[0.4, 0.3, 0.15, 0.1, 0.05]]).log()
    assert kept(filters.typical(scores, 0.4)) == [0, 1]
    assert kept(filters.typical(scores, 0.29)) == [1]  # the nearest to the entropy is not the best
    assert kept(filters.min_p(scores, 0.3)) == [0, 1, 2]
    assert kept(filters.eta(scores, 0.1)) == [0, 1, 2, 3]  # the threshold is 0.079
    assert kept(filters.eta(scores, 0.03)) == [0, 1, 2, 3, 4]  # 0.03, not 0.043
    assert kept(filters.eta(scores, 0.4)) == [0, 1]  # 0.157
    assert kept(filters.epsilon(scores, 0.12)) == [0, 1, 2]
    assert kept(filters.epsilon(scores, 0.5)) == [0]  # the best stays in any case
    third = float(scores.softmax(-1)[0, 2])
    assert kept(filters.epsilon(scores, third)) == [0, 1, 2]  # what just reaches it stays, too
    scores = torch.tensor([[0.8, 0.15, 0.05]]).log()
    for p in (0.81, 0.9):  # at 0.8 itself rounding decides
        assert kept(filters.top_p(scores, p)) == [0, 1]
    assert torch.equal(filters.top_p(scores, 0.8), TopPLogitsWarper(0.8)(torch.zeros(1, 0), scores))
    scores = torch.tensor([[0.5, 0.3, 0.2]]).log()
    assert kept(filters.top_p(scores, 0.5)) == [0]
    assert kept(filters.top_p(scores, 0.6)) == [0, 1]
    assert kept(filters.top_k(scores, 2)) == [0, 1]


@pytest.mark.parametrize("p", [0.15, 0.45, 0.75, 0.95])
def test_supports_by_their_definitions(p: float) -> None:
    """The smallest set in a given order whose mass reaches p, found one by one."""
    for seed in range(30):
        probs = logits(seed, holes=seed % 3 == 0)[1].double().softmax(-1)
        entropy = -sum(q * q.log() for q in probs if q > 0)
        by_prob = sorted(range(VOCAB), key=lambda i: -probs[i])
        by_distance = sorted(range(VOCAB), key=lambda i: abs(-probs[i].log() - entropy))
        for order, found in (
            (by_prob, filters.top_p(probs.log()[None], p)),
            (by_distance, filters.typical(probs.log()[None], p)),
        ):
            wanted, mass = [], 0.0
            for i in order:
                wanted.append(i)
                mass += float(probs[i])
                if mass >= p:
                    break
            assert kept(found) == sorted(wanted)


def test_top_p_among_equals_that_go_on_behind_the_sorted_head() -> None:
    """1,000 tokens of probability 0.00096 and 1,000 of 0.00004: 3 of the latter are in the nucleus."""
    probs = torch.cat([torch.full((1000,), 0.96 / 1000), torch.full((1000,), 0.04 / 1000)])
    found = filters.top_p(probs.log()[None], 0.9601)
    assert int((found > -torch.inf).sum()) == 1003
    assert kept(found)[-1] == 1999  # of equals the last
