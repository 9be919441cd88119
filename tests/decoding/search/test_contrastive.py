"""Contrastive search is what its definition finds, with everything computed again at every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
from fakes import HiddenTabularModel, Prefix, batch_of, everything, random_table, written
from torch import Tensor

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch
from textgen.decoding.search.contrastive import ContrastiveSearch, contrastive_search
from textgen.decoding.search.token_by_token import best
from textgen.decoding.stop import Stop

VOCAB, EOS, PAD = 7, 5, 6
TABLE = random_table(VOCAB, 3)
STOP = Stop(EOS, 9)
SOURCES = [[1], [2, 3], [], [4, 4, 4], [3, 1, 2, 4], [2], [0] * 16]
BATCH = Batch(SOURCES, [1, 2, 3, 4, 1, 2, 3], [[1], [2, 3], [1, 2, 1, 2, 3], [4], [3, 1, 2, 4], [], [2]])
ALLOWED = everything(VOCAB)
ALLOWED[PAD] = False
FILTERED = Scoring(
    ALLOWED,
    soft=[partial(filters.repetition_penalty, penalty=1.3, exempt=(EOS, PAD))],
    hard=[partial(filters.no_repeat_ngram, n=2, exempt=(EOS, PAD))],
)
PLAIN = Scoring(ALLOWED)


def ended(number: int, ids: Sequence[int]) -> str | None:
    return STOP.reason(ids)


def model(seed: int = 0, *, shown: bool = True) -> HiddenTabularModel:
    return HiddenTabularModel(VOCAB, TABLE, vectors=random_table(6, seed), shown=shown)


def cosine(one: Tensor, other: Tensor) -> float:
    return float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))


def textbook(
    state_of: Callable[[Prefix], Tensor],
    batch: Batch,
    row: int,
    scoring: Scoring,
    search: ContrastiveSearch,
    *,
    shown: bool,
) -> Hypothesis:
    """One text, without a cache and one candidate after the other."""
    source = tuple(batch.sources[row])
    given = (*source, batch.first[row])
    ids: list[int] = []
    logprob = total = 0.0
    while not (reason := STOP.reason(ids) if ids else None):
        text = (*given, *ids)
        before = [state_of(text[:n]) for n in range(1 if shown else len(given), len(text) + 1)]
        history = torch.tensor([[*batch.history[row], *ids]], dtype=torch.long).view(1, -1)
        logprobs, scores = scoring(history, state_of(text)[None, -VOCAB:])
        best = sorted(range(VOCAB), key=lambda token, scores=scores: -float(scores[0, token]))[: search.top_k]
        ranks = {
            token: (1 - search.alpha) * math.exp(scores[0, token])
            - search.alpha * max(cosine(state_of((*text, token)), one) for one in before)
            for token in best
            if scores[0, token] > -torch.inf
        }
        token = max(ranks, key=lambda token, ranks=ranks: ranks[token])
        ids.append(token)
        logprob += float(logprobs[0, token])
        total += float(scores[0, token])
    return Hypothesis(ids, logprob, total, logprob / len(ids), reason)


def same(found: Hypothesis, wanted: Hypothesis) -> None:
    assert (found.ids, found.reason) == (wanted.ids, wanted.reason)
    for name in ("logprob", "total", "score"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-5)


@pytest.mark.parametrize("shown", [True, False], ids=["prompt", "article"])
@pytest.mark.parametrize("scoring", [PLAIN, FILTERED], ids=["plain", "filtered"])
@pytest.mark.parametrize(("top_k", "alpha"), [(2, 0.6), (3, 0.3), (4, 0.6), (6, 1.0), (99, 0.5)])
def test_equals_the_textbook(top_k: int, alpha: float, scoring: Scoring, shown: bool) -> None:
    search = ContrastiveSearch(top_k, alpha)
    moved = 0
    for seed in range(4):
        fake = model(seed, shown=shown)
        found = contrastive_search(fake, BATCH, scoring, search, ended, pad=PAD)
        greedy = contrastive_search(
            model(seed, shown=shown), BATCH, scoring, ContrastiveSearch(top_k, 0.0), ended, pad=PAD
        )
        for row, (hypothesis,) in enumerate(found):
            wanted = textbook(fake.state_of, BATCH, row, scoring, search, shown=shown)
            same(hypothesis, wanted)
            moved += hypothesis.ids != greedy[row][0].ids
    assert moved > 8


def test_the_source_counts_only_where_it_is_part_of_the_text() -> None:
    search = ContrastiveSearch(4, 0.7)
    differ = 0
    for seed in range(8):
        prompt = contrastive_search(model(seed), BATCH, PLAIN, search, ended)
        article = contrastive_search(model(seed, shown=False), BATCH, PLAIN, search, ended)
        assert prompt[2] == article[2]  # an empty source
        differ += sum(one != other for one, other in zip(prompt, article, strict=True))
    assert differ


@pytest.mark.parametrize("scoring", [PLAIN, FILTERED], ids=["plain", "filtered"])
@pytest.mark.parametrize(("top_k", "alpha"), [(1, 0.6), (1, 1.0), (4, 0.0), (99, 0.0)])
def test_one_candidate_or_no_weight_is_greedy(top_k: int, alpha: float, scoring: Scoring) -> None:
    found = contrastive_search(model(), BATCH, scoring, ContrastiveSearch(top_k, alpha), ended, pad=PAD)
    drafts = written(model(), BATCH, scoring, best, ended, pad=PAD)
    assert [(h.ids, h.logprob, h.score, h.reason) for (h,) in found] == [
        (d.ids, sum(d.logprobs), sum(d.logprobs) / len(d.ids), d.reason) for d in drafts
    ]
    assert len({len(h.ids) for (h,) in found}) > 2


@pytest.mark.parametrize("shown", [True, False], ids=["prompt", "article"])
@pytest.mark.parametrize(("top_k", "alpha"), [(2, 0.6), (5, 0.4)])
def test_a_batch_equals_single_rows(top_k: int, alpha: float, shown: bool) -> None:
    search = ContrastiveSearch(top_k, alpha)
    fake = model(shown=shown)
    together = contrastive_search(fake, BATCH, FILTERED, search, ended, pad=PAD)
    alone = [
        contrastive_search(model(shown=shown), BATCH.part([row]), FILTERED, search, ended, pad=PAD)[0]
        for row in range(len(SOURCES))
    ]
    assert together == alone
    backwards = BATCH.part(range(len(SOURCES))[::-1])
    assert contrastive_search(fake, backwards, FILTERED, search, ended, pad=PAD) == together[::-1]


def test_the_network_is_asked_once_a_step_and_the_head_for_winners_only() -> None:
    fake = model()
    found = contrastive_search(fake, BATCH, FILTERED, ContrastiveSearch(4, 0.6), ended, pad=PAD)
    lengths = [len(hypothesis.ids) for (hypothesis,) in found]
    going = [sum(length > step for length in lengths) for step in range(max(lengths))]
    assert fake.calls == [len(SOURCES)] + [4 * rows for rows in going]
    assert fake.heads == going
    assert len(set(lengths)) > 2


def test_banned_pieces_are_no_candidates_however_unlike_they_are() -> None:
    """With all the weight on unlikeness a piece of probability 0 would win."""
    allowed = everything(VOCAB)
    allowed[[0, 2, PAD]] = False

    def no_four(ids: Tensor, scores: Tensor) -> Tensor:
        out = scores.clone()
        out[:, 4] = -torch.inf
        return out

    scoring = Scoring(allowed, hard=[no_four])
    fed = set()
    for seed in range(10):
        batch = batch_of([[1], [2]], first=1)
        for (h,) in contrastive_search(model(seed), batch, scoring, ContrastiveSearch(7, 1.0), ended):
            fed |= set(h.ids)
    assert fed == {1, 3, EOS}


def test_stop_rules_know_their_rows() -> None:
    """Each source has a rule of its own, as texts that end with a sentence have."""
    batch = batch_of([[1], [2], [3]])
    found = contrastive_search(
        model(),
        batch,
        Scoring(torch.tensor([True] * 5 + [False] * 2)),
        ContrastiveSearch(3, 0.5),
        lambda row, ids: "asked" if len(ids) == 2 + 3 * row else None,
    )
    assert [(len(h.ids), h.reason) for (h,) in found] == [(2, "asked"), (5, "asked"), (8, "asked")]


def test_states_of_no_length_are_like_nothing() -> None:
    """A zero vector has no direction: no likeness, not nan."""
    fake = HiddenTabularModel(3, lambda _: torch.zeros(3), vectors=lambda _: torch.zeros(2))
    stop = Stop(2, 3)
    found = contrastive_search(
        fake,
        batch_of([[1]]),
        Scoring(everything(3)),
        ContrastiveSearch(3, 0.5),
        lambda _, ids: stop.reason(ids),
    )
    ((only,),) = found
    assert only.logprob == pytest.approx(-math.log(3) * len(only.ids), abs=1e-6)


@pytest.mark.parametrize(("top_k", "alpha"), [(0, 0.5), (3, -0.1), (3, 1.1), (3, float("nan"))])
def test_settings_out_of_range(top_k: int, alpha: float) -> None:
    with pytest.raises(ValueError):
        ContrastiveSearch(top_k, alpha)
