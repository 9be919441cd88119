"""Masked networks of transformers, seen as masked language models: the same numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from exact_texts import assert_near
from foreign_networks import MASKED, POSITIONS, VOCABULARY, WIDTH, foreign
from torch import Tensor

from textgen.mcmc.cgmh.contexts import MaskedContext
from textgen.mcmc.cgmh.edits import Context
from textgen.mcmc.cgmh.similarity import Similarity
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.padding import read_together
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel

CLS, SEP, MASK = 2, 3, 4
TEXTS = [[CLS, 5, MASK, 7, SEP], [CLS, 8, 9, 10, MASK, 12, 13, 14, SEP], [CLS, MASK, SEP]]


@pytest.fixture(params=sorted(MASKED))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str) -> MaskedAdapter:
    return MaskedAdapter(foreign(kind), positions=POSITIONS)


@pytest.fixture(autouse=True)
def without_gradients() -> Any:
    with torch.inference_mode():
        yield


def whole(kind: str, ids: list[int]) -> Tensor:
    """What transformers computes of one text alone, `(length, vocab)`."""
    logits: Tensor = foreign(kind)(input_ids=torch.tensor([ids])).logits[0]
    return logits


def test_it_is_a_masked_language_model_and_nothing_else(model: MaskedAdapter) -> None:
    assert isinstance(model, MaskedLanguageModel)
    assert not isinstance(model, LanguageModel | TitleModel)
    assert model.vocab_size == VOCABULARY
    assert model.embedding.num_embeddings == VOCABULARY
    assert model.shows_hidden


def test_texts_together_are_each_alone(model: MaskedAdapter, kind: str) -> None:
    ids, lengths = read_together(TEXTS)
    hidden = model.encode(ids, lengths)
    assert hidden.shape == (3, 16, WIDTH)
    for text, logits in zip(TEXTS, model.logits(hidden), strict=True):
        assert_near(logits[: len(text)], whole(kind, text))


def test_one_place_a_row(model: MaskedAdapter, kind: str) -> None:
    ids, lengths = read_together(TEXTS)
    places = torch.tensor([text.index(MASK) for text in TEXTS])
    assert_near(model.encode(ids, lengths, places)[:, 0], model.encode(ids, lengths)[range(3), places])
    for logits, text in zip(model.masked_logits(ids, lengths, places), TEXTS, strict=True):
        assert_near(logits, whole(kind, text)[text.index(MASK)])


def test_a_text_as_long_as_can_be_read_and_padding_behind_it(model: MaskedAdapter, kind: str) -> None:
    long = [CLS, *[5 + n % 80 for n in range(POSITIONS - 2)], SEP]
    ids = torch.tensor([[*long, *[0] * 16]])
    hidden = model.encode(ids, torch.tensor([len(long)]))
    assert hidden.shape[1] == POSITIONS + 16
    assert_near(model.logits(hidden)[0, :POSITIONS], whole(kind, long))


def test_chains_of_edits_can_ask_it(model: MaskedAdapter, kind: str) -> None:
    proposals = MaskedContext(model, CLS, SEP, MASK)
    found = proposals.logits([Context((5,), (7,)), Context((8, 9, 10), (12, 13, 14))])
    for logits, text in zip(found, TEXTS, strict=False):
        assert_near(logits, whole(kind, text)[text.index(MASK)])
    means = Similarity(model, CLS, SEP).embeddings([(5, 6), (7,)])
    expected = foreign(kind).base_model(input_ids=torch.tensor([[CLS, 5, 6, SEP]])).last_hidden_state
    assert_near(means[0], expected[0, 1:3].mean(0))


def test_training_asks_for_logits_of_places_alone(model: MaskedAdapter, kind: str) -> None:
    ids, lengths = read_together(TEXTS)
    states = model.encode(ids, lengths)
    rows, places = torch.tensor([0, 1, 1]), torch.tensor([2, 4, 0])
    found = model.logits(states[rows, places])
    expected = torch.stack([whole(kind, TEXTS[row])[place] for row, place in zip(rows, places, strict=True)])
    assert_near(found, expected)
