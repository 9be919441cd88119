"""Synchronous bidirectional search over a small network: half beams, batches, and directions that end."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from fakes import batch_of
from two_way import PENALTIES, WIDTHS, Scorings, better, ends_at, ends_behind, same

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.bidirectional import bidirectional_search
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.two_streams import StreamState, TwoStreams
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior

L2R, R2L, EOS, VOCAB = 7, 8, 5, 24


@pytest.fixture(scope="module")
def unilm() -> UniLM:
    """A small random network with a token type for each direction."""
    bert = Bert(BertConfig(VOCAB, 16, 2, 2, 24, 64, 3, 1e-12)).eval().requires_grad_(False)
    prior = CopyPrior(VOCAB).requires_grad_(False)
    generator = torch.Generator().manual_seed(6)
    for name, parameter in sorted(bert.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        scale = 0.0 if name.endswith("bias") else 1.0
        parameter.data.copy_(1 + 0.2 * noise if name.endswith("LayerNorm.weight") else scale * noise)
    prior.t[EOS] = 3.0
    return UniLM(bert, prior, {L2R: 1, R2L: 2})


@pytest.fixture
def weighted() -> Scorings:
    allowed = torch.arange(VOCAB) > R2L
    allowed[EOS] = True
    hard = [partial(filters.no_repeat_ngram, n=2, exempt=(EOS,))]
    return Scoring(allowed, hard=hard), Scoring(allowed, hard=hard)


def make_sources(count: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(7)
    return [
        [6, *torch.randint(9, VOCAB, (3 + n % 12,), generator=generator).tolist(), 5] for n in range(count)
    ]


@pytest.mark.parametrize(("penalty", "gnmt"), PENALTIES)
@pytest.mark.parametrize("width", WIDTHS)
def test_silenced_weights_are_the_better_of_two_half_beams(
    unilm: UniLM, weighted: Scorings, width: int, penalty: float, gnmt: bool
) -> None:
    sources, length = make_sources(8), Length(7, penalty, gnmt)
    model = TwoStreams(unilm, (L2R, R2L), interaction=False)
    found = bidirectional_search(model, sources, weighted, BeamSearch(width, EOS, length))
    halves = [
        beam_search(unilm, batch_of(sources, first), scoring, BeamSearch(width // 2, EOS, length))
        for first, scoring in zip(model.first, weighted, strict=True)
    ]
    for pool, *pair in zip(found, *halves, strict=True):
        wanted = better([half[0] for half in pair])
        same([replace(pool[0], lane=0)], [wanted])
        assert pool[0].score == pytest.approx(pair[pool[0].lane][0].score, abs=1e-4)
    assert {pool[0].lane for pool in found} == {0, 1}


def test_a_batch_with_weights_equals_single_sources(unilm: UniLM, weighted: Scorings) -> None:
    sources, search = make_sources(6), BeamSearch(4, EOS, Length(8, 0.0))
    ends = weighted[0], replace(weighted[1], hard=[ends_behind(12, EOS)])
    for scorings in (weighted, ends):
        model = TwoStreams(unilm, (L2R, R2L))
        together = bidirectional_search(model, sources, scorings, search)
        for source, pool in zip(sources, together, strict=True):
            same(pool, bidirectional_search(model, [source], scorings, search)[0])
        silent = bidirectional_search(
            TwoStreams(unilm, (L2R, R2L), interaction=False), sources, scorings, search
        )
        differ = [[h.ids for h in a] != [h.ids for h in b] for a, b in zip(together, silent, strict=True)]
        assert sum(differ) > 2


@pytest.mark.parametrize("width", WIDTHS)
def test_a_direction_that_ends_is_frozen_in_the_network(
    unilm: UniLM, weighted: Scorings, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorings = weighted[0], replace(weighted[1], hard=[ends_at(2, EOS)])
    search = BeamSearch(width, EOS, Length(8, -1.0))
    model = TwoStreams(unilm, (L2R, R2L))
    found = bidirectional_search(model, make_sources(4), scorings, search)
    rows: list[list[bool]] = []
    monkeypatch.setattr(StreamState, "freeze", lambda _, chosen: rows.append(chosen.tolist()))
    thawed = bidirectional_search(model, make_sources(4), scorings, search)
    half = width // 2
    assert rows[0] == ([False] * half + [True] * half) * (len(rows[0]) // width)
    assert [[h.logprob for h in pool] for pool in thawed] != [[h.logprob for h in pool] for pool in found]
