"""What uses networks takes an adapter for one of ours: the same texts, scores and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertForMaskedLM, GPT2LMHeadModel

from textgen.backends.best_of import blended
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.contrastive import ContrastiveSearch, contrastive_search
from textgen.decoding.search.stochastic import stochastic_beam_search
from textgen.mcmc.cgmh.contexts import ForwardContext
from textgen.mcmc.cgmh.edits import Context
from textgen.mcmc.gibbs.energy import Conditionals
from textgen.metrics.fluency import bits_per_char, pseudo_perplexity
from textgen.models.adapters.causal import CausalAdapter
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.guidance import GuidedModel
from textgen.models.shared_prefix import SharedPrefix
from textgen.rng import row_key
from textgen.schema import Candidate
from textgen.store.load import LoadedModel

SOURCES = [[1, 5, 6], [1, 8, 9, 10, 11, 12, 13], [1]]
EOS = 3
EVERYTHING = Scoring(torch.ones(101, dtype=torch.bool))


@pytest.fixture(autouse=True)
def without_gradients() -> Any:
    with torch.inference_mode():
        yield


@pytest.fixture
def theirs(their_gpt2: GPT2LMHeadModel) -> CausalAdapter:
    return CausalAdapter(their_gpt2, positions=128, ends=[EOS])


def batch() -> Batch:
    keys = [row_key(7, "", id=str(n)) for n in range(len(SOURCES))]
    first = [30, 31, 32]
    return Batch(
        SOURCES, first, [[*source, token] for source, token in zip(SOURCES, first, strict=True)], keys
    )


def beam(model: Any) -> list[list[Hypothesis]]:
    return beam_search(model, batch(), EVERYTHING, BeamSearch(4, EOS, Length(12)))


def stochastic(model: Any) -> list[list[Hypothesis]]:
    return stochastic_beam_search(model, batch(), EVERYTHING, BeamSearch(5, EOS, Length(8)))


def contrastive(model: Any) -> list[list[Hypothesis]]:
    def stop(row: int, ids: Sequence[int]) -> str | None:
        return "stop" if ids[-1] == EOS else "length" if len(ids) == 12 else None

    return contrastive_search(model, batch(), EVERYTHING, ContrastiveSearch(4, 0.6), stop)


def shared(model: Any) -> list[list[Hypothesis]]:
    return beam(SharedPrefix(model, SOURCES))


def guided(model: Any) -> list[list[Hypothesis]]:
    return beam(GuidedModel(model, model, 0.5))


@pytest.mark.parametrize("search", [beam, stochastic, contrastive, shared, guided])
def test_searches_find_what_they_find_by_our_gpt2(
    search: Callable[[Any], list[list[Hypothesis]]], tiny_gpt2: Gpt2, theirs: CausalAdapter
) -> None:
    found, expected = search(theirs), search(tiny_gpt2)
    assert [[one.ids for one in texts] for texts in found] == [
        [one.ids for one in texts] for texts in expected
    ]
    for texts, wanted in zip(found, expected, strict=True):
        assert [one.score for one in texts] == pytest.approx([one.score for one in wanted], abs=1e-4)


def test_proposals_are_those_of_our_gpt2(tiny_gpt2: Gpt2, theirs: CausalAdapter) -> None:
    contexts = [Context((5, 6), (7,)), Context((), (8,)), Context(tuple(range(20, 50)), ())]
    found, expected = (ForwardContext(model, [], [1, 9]).logits(contexts) for model in (theirs, tiny_gpt2))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_gibbs_draws_are_those_of_our_bert(tiny_bert: Bert, their_bert: BertForMaskedLM) -> None:
    allowed = torch.ones(101, dtype=torch.bool)
    found, expected = (
        Conditionals(model, 4, 12).logits(Conditionals(model, 4, 12).sites([2, 5, 6, 7, 3], [1, 3], allowed))
        for model in (MaskedAdapter(their_bert, positions=128), tiny_bert)
    )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


TEXTS = ["春天来了，山里的花都开了。孩子们在草地上放风筝。", "今天"]


def test_metrics_and_coherence_are_those_of_the_shipped_models(
    gpt2_model: LoadedModel, bert_model: LoadedModel, shipped_reference: Callable[[str], nn.Module]
) -> None:
    gpt2 = CausalAdapter(shipped_reference("gpt2"), positions=gpt2_model.network.positions, ends=[EOS])
    other = replace(gpt2_model, network=gpt2)
    assert bits_per_char(other, TEXTS).value == pytest.approx(
        bits_per_char(gpt2_model, TEXTS).value, abs=1e-3
    )
    draws = [Candidate(text, 0.0, "", 0.0, 1, "stop") for text in TEXTS]
    found, expected = (
        [one.score for one in blended(draws, model, gpt2_model.tokenizer, 512)]
        for model in (gpt2, gpt2_model.network)
    )
    assert found == pytest.approx(expected, abs=1e-3)
    bert = MaskedAdapter(shipped_reference("bert"), positions=bert_model.network.positions)
    assert pseudo_perplexity(replace(bert_model, network=bert), TEXTS).value == pytest.approx(
        pseudo_perplexity(bert_model, TEXTS).value, rel=1e-3
    )
