"""The output is one of the listed texts, the best one by search, and by its law when drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from fakes import Prefix, TabularModel, batch_of, everything, random_table, written
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.choice.filters import temperature
from textgen.choice.scoring import Scoring
from textgen.choice.trie import OneOf, Trie
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.token_by_token import best, sample
from textgen.decoding.stop import Stop
from textgen.errors import UsageError
from textgen.rng import Draws, row_key

VOCAB, EOS = 6, 5
LISTED = [(0, 1), (0, 1, 2, 3), (0, 2), (3,), (4, 4, 4, 4, 4), (4, 4, 1), (2, 0, 1)]
CHI_SQUARE_999 = 22.46  # the value exceeded once in a thousand, with 6 degrees of freedom
sequences_ = st.lists(st.lists(st.integers(0, 4), max_size=5).map(tuple), min_size=1, max_size=8)


def scoring_of(sequences: Sequence[Prefix], given: int = 0) -> Scoring:
    return Scoring(everything(VOCAB), hard=[OneOf(Trie.of(sequences, EOS), given)])


@given(sequences_, st.lists(st.integers(0, 5), max_size=6).map(tuple))
def test_what_may_follow(sequences: list[Prefix], begun: Prefix) -> None:
    ended = [(*sequence, EOS, EOS, EOS) for sequence in sequences]
    trie = Trie.of(sequences, EOS)
    for size in range(len(begun) + 1):
        wanted = {s[size] for s in ended if len(s) > size and s[:size] == begun[:size]}
        if wanted:
            assert set(trie.following(begun[:size])) == wanted
        elif EOS not in begun:
            with pytest.raises(ValueError, match="none of the listed"):
                trie.following(begun[:size])


def test_the_end_symbol_is_not_part_of_a_sequence() -> None:
    with pytest.raises(ValueError, match="end symbol 5"):
        Trie.of([(1, EOS)], EOS)


def test_a_list_without_a_text_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Trie.of([], EOS)
    assert caught.value.hint


def test_the_filter_row_by_row() -> None:
    scores = torch.randn(5, VOCAB, generator=torch.Generator().manual_seed(1))
    given = scores.clone()
    ids = torch.tensor([[9, 9, 0, 1], [1, 4, 4, 4], [9, 9, 0, 2], [9, 9, 3, EOS], [EOS, 9, EOS, EOS]])
    allowing_nothing = [*LISTED, ()]
    found = OneOf(Trie.of(allowing_nothing, EOS), 2)(ids, scores)
    kept = [row.nonzero()[:, 0].tolist() for row in found > -torch.inf]
    assert kept == [[2, EOS], [1, 4], [EOS], [EOS], [EOS]]
    assert torch.equal(scores, given)
    assert torch.equal(found[found > -torch.inf], scores[found > -torch.inf])
    nothing = OneOf(Trie.of(LISTED, EOS), 2)(ids[:, :2], scores)
    assert (nothing > -torch.inf)[:, [0, 2, 3, 4]].all()
    assert (nothing == -torch.inf)[:, [1, EOS]].all()


def test_a_row_that_passed_a_ban_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"begins with \[0, 0\]"):
        OneOf(Trie.of(LISTED, EOS), 1)(torch.tensor([[0, 0, 1], [0, 0, 0]]), torch.zeros(2, VOCAB))


def direct(sequences: Sequence[Prefix], seed: int) -> dict[Prefix, float]:
    """Log-probability of each text under the whole model, its end included."""
    table = random_table(VOCAB, seed)
    found = {}
    for sequence in sequences:
        ids = (*sequence, EOS)
        found[ids] = sum(float(table((0, *ids[:n])).log_softmax(-1)[i]) for n, i in enumerate(ids))
    return found


@settings(deadline=None, max_examples=60)
@given(sequences_, st.integers(0, 20), st.sampled_from([0.0, 1.0, -0.5]))
def test_a_wide_beam_finds_all_in_order(sequences: list[Prefix], seed: int, penalty: float) -> None:
    """Wider than the list is long, too: the slots left over hold nothing, and report nothing."""
    model = TabularModel(VOCAB, random_table(VOCAB, seed))
    search = BeamSearch(2 * len(sequences) + 1, EOS, Length(6, penalty))
    found = beam_search(model, batch_of([[]]), scoring_of(sequences), search)[0]
    wanted = direct(sequences, seed)
    assert {tuple(h.ids): h.logprob for h in found} == pytest.approx(wanted, abs=1e-5)
    assert len(found) == len(wanted)
    assert {h.reason for h in found} == {"stop"}
    scores = {ids: logprob / len(ids) ** penalty for ids, logprob in wanted.items()}
    assert scores[tuple(found[0].ids)] == pytest.approx(max(scores.values()), abs=1e-5)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_narrow_beam_finds_listed_texts_only(width: int) -> None:
    model = TabularModel(VOCAB, random_table(VOCAB, 4))
    sources = [[row] for row in range(8)]
    pools = beam_search(model, batch_of(sources), scoring_of(LISTED), BeamSearch(width, EOS, Length(6)))
    for pool in pools:
        assert pool
        assert all(tuple(h.ids[:-1]) in LISTED and h.reason == "stop" for h in pool)
    assert len({tuple(pool[0].ids) for pool in pools}) > 2


@pytest.mark.parametrize("choice", ["greedy", "sample"])
def test_texts_written_in_groups_are_listed(choice: str) -> None:
    """Copies go on after their end; prompts of several lengths come before what is written."""
    scoring = scoring_of(LISTED, given=3)
    keys = [row_key(1, str(row)) for row in range(6)]
    copies = 4 if choice == "sample" else 1
    pick = sample(scoring, Draws(keys, copies)) if choice == "sample" else best
    history = [[1], [2, 0, EOS], [], [0, 0, 0], [3], [4, 4]]
    batch = Batch([[row] for row in range(6)], [0] * 6, history)
    stop = Stop(EOS, 9)
    drafts = written(
        TabularModel(VOCAB, random_table(VOCAB, 8)),
        batch,
        scoring,
        pick,
        lambda _, ids: stop.reason(ids),
        copies=copies,
    )
    assert all(tuple(draft.ids[:-1]) in LISTED and draft.reason == "stop" for draft in drafts)
    assert len({tuple(draft.ids) for draft in drafts}) > 2
    assert len({len(draft.ids) for draft in drafts}) > 2


def law(seed: int, heat: float) -> dict[Prefix, float]:
    """The probability of each listed text: at every piece the model over the pieces that may follow."""
    table = random_table(VOCAB, seed)
    ended = [(*sequence, EOS) for sequence in LISTED]
    found = {}
    for ids in ended:
        share = 1.0
        for n, i in enumerate(ids):
            weights = (table((0, *ids[:n])) / heat).exp()
            left = sorted({other[n] for other in ended if len(other) > n and other[:n] == ids[:n]})
            share *= float(weights[i] / weights[left].sum())
        found[ids] = share
    assert sum(found.values()) == pytest.approx(1)
    return found


def test_what_is_drawn_follows_the_law_renormalised_at_every_piece() -> None:
    seed, heat, draws = 3, 1.5, 3000
    scoring = scoring_of(LISTED)
    scoring = Scoring(
        scoring.allowed, hard=scoring.hard, draw=[lambda ids, scores: temperature(scores, heat)]
    )
    stop = Stop(EOS, 9)
    drafts = written(
        TabularModel(VOCAB, random_table(VOCAB, seed)),
        batch_of([[]]),
        scoring,
        sample(scoring, Draws([row_key(0, "")], draws)),
        lambda _, ids: stop.reason(ids),
        copies=draws,
    )
    counts = Counter(tuple(draft.ids) for draft in drafts)
    wanted = {ids: draws * share for ids, share in law(seed, heat).items()}
    assert set(counts) <= set(wanted)
    assert min(wanted.values()) > 5
    assert sum((counts[ids] - many) ** 2 / many for ids, many in wanted.items()) < CHI_SQUARE_999
    # the law is another one than the whole model's, restricted to the list
    whole = direct(LISTED, seed)
    total = sum(torch.tensor(list(whole.values())).exp().tolist())
    assert any(
        abs(float(torch.tensor(whole[ids]).exp()) / total - many / draws) > 0.02
        for ids, many in wanted.items()
    )
