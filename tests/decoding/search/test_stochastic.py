"""Stochastic beam search draws without replacement: against enumeration and the exact law."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, partial
from types import SimpleNamespace

import pytest
import torch
from fakes import Prefix, Table, TabularModel, batch_of, everything, random_table, table_of

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch
from textgen.decoding.search import stochastic
from textgen.decoding.search.stochastic import gumbel, stochastic_beam_search
from textgen.rng import row_key

A, B, END = range(3)
RUNS = 20000
# four texts: the end at once, A and the end, A and B cut at the limit, B and the end
TREE = table_of({(): [0.5, 0.2, 0.3], (A,): [0.0, 0.7, 0.3], (B,): [0.0, 0.0, 1.0]}, [0.0, 0.0, 1.0])
LAW = {(END,): 0.3, (A, END): 0.15, (A, B): 0.35, (B, END): 0.2}
SCORINGS = {
    "plain": Scoring(everything(3)),
    "tempered": Scoring(
        everything(3), draw=[lambda ids, scores: filters.top_p(filters.temperature(scores, 2.0), 0.9)]
    ),
}
PLAIN = SCORINGS["plain"]


def key(n: int) -> bytes:
    return row_key(11, "", id=str(n))


def draw(
    table: Table, vocab: int, search: BeamSearch, *, scoring: Scoring | None = None, runs: int = 1
) -> list[list[Hypothesis]]:
    """Independent runs after the empty source, in batches."""
    scoring = scoring or Scoring(everything(vocab))
    found = []
    for at in range(0, runs, 2000):
        keys = [key(n) for n in range(at, min(at + 2000, runs))]
        batch = batch_of([[]] * len(keys), keys=keys)
        found += stochastic_beam_search(TabularModel(vocab, table), batch, scoring, search)
    return found


def enumerated(
    table: Table, vocab: int, limit: int, scoring: Scoring, prefix: Prefix = ()
) -> dict[Prefix, tuple[float, float]]:
    """Every possible text with its log-probabilities, drawn and restricted."""
    if prefix and (prefix[-1] == vocab - 1 or len(prefix) == limit):
        return {prefix: (0.0, 0.0)}
    ids = torch.tensor([prefix], dtype=torch.long).view(1, -1)
    logprobs, search = scoring(ids, table((0, *prefix))[None])
    drawn = scoring.drawn(ids, search)[0].double().log()
    return {
        text: (float(drawn[token]) + total, float(logprobs[0, token]) + logprob)
        for token in range(vocab)
        if drawn[token] > -torch.inf
        for text, (total, logprob) in enumerated(table, vocab, limit, scoring, (*prefix, token)).items()
    }


def without_replacement(law: Mapping[Prefix, float], k: int) -> dict[tuple[Prefix, ...], float]:
    """The probability of every ordered draw of k texts: each in proportion to what is left."""
    out = {}
    for order in itertools.permutations(law, k):
        left, probability = 1.0, 1.0
        for text in order:
            probability *= law[text] / left
            left -= law[text]
        out[order] = probability
    return out


def p_value(counts: Mapping[tuple[Prefix, ...], int], law: Mapping[tuple[Prefix, ...], float]) -> float:
    """Pearson's chi-square test; nothing may be found that the law does not know."""
    assert set(counts) <= set(law)
    runs = sum(counts.values())
    assert min(law.values()) * runs > 5
    statistic = sum((counts.get(o, 0) - runs * p) ** 2 / (runs * p) for o, p in law.items())
    half = torch.tensor([(len(law) - 1) / 2, statistic / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(half[0], half[1]))


def orders(found: Sequence[Sequence[Hypothesis]]) -> Counter[tuple[Prefix, ...]]:
    return Counter(tuple(tuple(h.ids) for h in run) for run in found)


@cache
def runs_of(scoring: str, k: int) -> list[list[Hypothesis]]:
    return draw(TREE, 3, BeamSearch(k, END, Length(2)), scoring=SCORINGS[scoring], runs=RUNS)


@pytest.mark.parametrize(("scoring", "k"), [("plain", 1), ("plain", 2), ("tempered", 2)])
def test_texts_are_drawn_as_without_replacement(scoring: str, k: int) -> None:
    """Twenty thousand runs against the exact probability of every ordered draw; k = 1 is a sample."""
    texts = enumerated(TREE, 3, 2, SCORINGS[scoring])
    law = {text: float(torch.tensor(total).exp()) for text, (total, _) in texts.items()}
    assert sum(law.values()) == pytest.approx(1.0, abs=1e-6)
    if scoring == "plain":
        assert law == pytest.approx(LAW, abs=1e-6)
    else:
        assert max(abs(law[text] - LAW[text]) for text in law) > 0.05
    counts = orders(runs_of(scoring, k))
    assert p_value(counts, without_replacement(law, k)) > 1e-3
    # the test can tell: a law that is a little flatter is refused
    flatter = {text: probability**0.7 for text, probability in law.items()}
    flatter = {text: probability / sum(flatter.values()) for text, probability in flatter.items()}
    assert p_value(counts, without_replacement(flatter, k)) < 1e-6


def test_inclusion_probabilities() -> None:
    """Two of four texts: how often each is among them."""
    found = runs_of("plain", 2)
    pairs = without_replacement(LAW, 2)
    assert sum(p for order, p in pairs.items() if (B, END) in order) == pytest.approx(0.4287, abs=1e-4)
    for text in LAW:
        exact = sum(probability for order, probability in pairs.items() if text in order)
        share = sum(text in [tuple(h.ids) for h in run] for run in found) / RUNS
        deviation = (exact * (1 - exact) / RUNS) ** 0.5
        assert abs(share - exact) < 4 * deviation, text


def test_many_texts_in_deep_trees() -> None:
    """Inclusion and order of first texts where finished texts of all lengths compete with unfinished."""
    table = random_table(3, 5, scale=0.5)
    texts = enumerated(table, 3, 4, PLAIN)
    law = {text: float(torch.tensor(total).exp()) for text, (total, _) in texts.items()}
    assert len(law) == 1 + 2 + 4 + 8 + 16  # the end after 0, 1, 2, 3 pieces, or cut after 4
    found = draw(table, 3, BeamSearch(4, END, Length(4)), runs=RUNS // 4)
    first = Counter((tuple(run[0].ids),) for run in found)
    assert p_value(first, without_replacement(law, 1)) > 1e-3
    second = Counter((tuple(run[1].ids),) for run in found)
    exact: dict[tuple[Prefix, ...], float] = {}
    for order, probability in without_replacement(law, 2).items():
        exact[order[1:]] = exact.get(order[1:], 0.0) + probability
    assert p_value(second, exact) > 1e-3


@pytest.mark.parametrize("kind", range(3))
def test_a_narrow_beam_finds_the_first_texts_of_a_wide_one(kind: int) -> None:
    draws = [lambda ids, scores: filters.top_k(filters.temperature(scores, 1.5), 3)] if kind else []
    hard = [partial(filters.no_repeat_ngram, n=2, exempt=(3,))] if kind == 2 else []
    scoring = Scoring(everything(4), hard=hard, draw=draws)
    for seed in range(10):
        table = random_table(4, seed, scale=0.5 + seed % 3)
        texts = enumerated(table, 4, 5, scoring)
        batch = batch_of([[]], keys=[key(seed)])

        def run(width: int, table: Table = table, batch: Batch = batch) -> list[Hypothesis]:
            search = BeamSearch(width, 3, Length(5, 0.7))
            return stochastic_beam_search(TabularModel(4, table), batch, scoring, search)[0]

        everything_there_is = run(len(texts) + 3)
        assert len(everything_there_is) == len(texts)  # no dead hypotheses
        assert {tuple(h.ids) for h in everything_there_is} == set(texts)
        for width in (1, 2, 3, 7, 20):
            found = run(width)
            assert found == everything_there_is[:width]
            assert len({tuple(h.ids) for h in found}) == len(found)


def test_what_is_reported() -> None:
    soft = [partial(filters.repetition_penalty, penalty=1.7, exempt=(3,))]
    scoring = Scoring(everything(4), soft=soft, draw=[partial(tempered, value=0.7)])
    reasons = set()
    differ = 0
    for seed in range(10):
        table = random_table(4, seed)
        texts = enumerated(table, 4, 4, scoring)
        search = BeamSearch(6, 3, Length(4, 0.7))
        batch = batch_of([[]], keys=[key(seed)])
        for h in stochastic_beam_search(TabularModel(4, table), batch, scoring, search)[0]:
            total, logprob = texts[tuple(h.ids)]
            assert h.total == pytest.approx(total, abs=1e-5)
            assert h.logprob == pytest.approx(logprob, abs=1e-5)
            assert h.score == pytest.approx(logprob / len(h.ids) ** 0.7, abs=1e-5)
            assert h.reason == ("stop" if h.ids[-1] == 3 else "length")
            reasons.add(h.reason)
            differ += abs(total - logprob) > 0.01
    assert reasons == {"stop", "length"}
    assert differ > 20


def tempered(ids: torch.Tensor, scores: torch.Tensor, value: float) -> torch.Tensor:
    return filters.temperature(scores, value)


def test_the_order_is_that_of_the_draws_not_of_the_scores() -> None:
    found = draw(TREE, 3, BeamSearch(3, END, Length(2)), runs=200)
    assert any(run[0].score < run[1].score for run in found)
    assert any(run[0].score > run[1].score for run in found)


def test_a_batch_equals_single_rows_and_keys_matter() -> None:
    vocab, eos, pad = 6, 5, 0
    table = random_table(vocab, 2, scale=2.0)
    sources = [[n, n % 3] for n in range(9)]
    histories = [[1 + n % 4] * (n % 5) for n in range(9)]
    allowed = everything(vocab)
    allowed[pad] = False
    scoring = Scoring(
        allowed,
        soft=[partial(filters.repetition_penalty, penalty=1.4, exempt=(eos, pad))],
        hard=[partial(filters.no_repeat_ngram, n=2, exempt=(eos, pad))],
        draw=[partial(tempered, value=0.8)],
    )
    search = BeamSearch(3, eos, Length(16))
    batch = Batch(sources, [1] * 9, histories, [key(n) for n in range(9)])
    model = TabularModel(vocab, table)
    together = stochastic_beam_search(model, batch, scoring, search, pad=pad)
    alone = [
        stochastic_beam_search(TabularModel(vocab, table), batch.part([n]), scoring, search, pad=pad)[0]
        for n in range(9)
    ]
    assert together == alone
    assert len(set(model.calls[1:])) > 1  # sources did leave at different times
    backwards = batch.part(range(8, -1, -1))
    found = stochastic_beam_search(TabularModel(vocab, table), backwards, scoring, search, pad=pad)
    assert found[::-1] == together
    others = Batch(sources, [1] * 9, histories, [key(n + 9) for n in range(9)])
    found = stochastic_beam_search(TabularModel(vocab, table), others, scoring, search, pad=pad)
    assert all(one != other for one, other in zip(found, together, strict=True))


def test_finished_and_impossible_texts_ask_the_filters_nothing() -> None:
    texts = {(), (A,), (B,), (B, B)}

    def only_possible(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        out = torch.full_like(scores, -torch.inf)
        for row, text in enumerate(ids.tolist()):
            assert tuple(text) in texts
            out[row, [token for token in (A, B) if (*text, token) in texts] + [END]] = 0.0
        return out

    scoring = Scoring(everything(3), hard=[only_possible])
    for run in draw(TREE, 3, BeamSearch(6, END, Length(5)), scoring=scoring, runs=50):
        assert {tuple(h.ids) for h in run} == {(END,), (A, END), (B, END), (B, B, END)}


def test_keys_are_asked_for() -> None:
    with pytest.raises(ValueError, match="2 sources, but 0 keys"):
        stochastic_beam_search(
            TabularModel(3, TREE), batch_of([[], []]), PLAIN, BeamSearch(2, END, Length(2))
        )


def test_noise_is_a_pure_function_of_key_and_prefix() -> None:
    """Texts of a seed stay what they are from version to version."""
    pinned = [0.6657641867320615, 1.9526263819071505, 1.8378047677276064]
    assert gumbel([row_key(7, "春天来了")], [[5, 300]], 3)[0].tolist() == pytest.approx(pinned, abs=1e-12)
    before = torch.get_rng_state(), random.getstate()
    keys, prefixes = [key(0)] * 5 + [key(1)], [[], [0], [1], [0, 0], [256], []]
    rows = gumbel(keys, prefixes, 50)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert len(set(rows.flatten().tolist())) == 300
    alone = [gumbel([one], [prefix], 20)[0] for one, prefix in zip(keys, prefixes, strict=True)]
    assert torch.equal(torch.stack(alone), rows[:, :20])  # so the vocabulary may grow


def test_noise_is_gumbel() -> None:
    """Kolmogorov and Smirnov's distance to exp(-exp(-x)), at the level of one in a thousand."""
    count = 4000
    across = gumbel([key(n % 40) for n in range(count)], [[n] for n in range(count)], 1)
    for noise in (gumbel([key(1)], [[]], count), across):
        heights = (-(-noise.flatten().sort().values).exp()).exp()
        steps = torch.arange(count, dtype=torch.float64)
        distance = torch.maximum((steps + 1) / count - heights, heights - steps / count).max()
        assert float(distance) < 1.95 / count**0.5


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_no_noise_is_infinite(monkeypatch: pytest.MonkeyPatch, byte: bytes) -> None:
    monkeypatch.setattr(stochastic, "shake_256", lambda _: SimpleNamespace(digest=lambda size: byte * size))
    assert bool(gumbel([key(0)], [[]], 4).isfinite().all())
