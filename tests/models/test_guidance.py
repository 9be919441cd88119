"""Guidance: the formula, its two states, and the style in every forward."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Batch
from textgen.decoding.search.contrastive import ContrastiveSearch, contrastive_search
from textgen.decoding.stop import Stop
from textgen.errors import UsageError
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.guidance import GuidedModel, guided_logits, with_style
from textgen.models.layers.conditional_norm import Condition, add_condition, in_style

STYLES = ("诗歌", "新闻")
GENERATOR = torch.Generator().manual_seed(5)
PREFIXES = [[20, 21, 22], [30], [40, 41, 42, 43, 44]]
WRITTEN = torch.randint(9, 101, (6, 7), generator=GENERATOR)
IDS = torch.randint(9, 101, (3, 16), generator=GENERATOR)
MASKED = (IDS, torch.tensor([16, 9, 12]), torch.tensor([3, 8, 0]))
WEIGHTS = [0.0, 0.5, 3.0]


def conditional(network: Any) -> tuple[Any, Condition]:
    """A copy of a network whose styles differ, and what tells them."""
    network = copy.deepcopy(network)
    condition = add_condition(network, STYLES, 8)
    generator = torch.Generator().manual_seed(6)
    for name, parameter in sorted(network.named_parameters()):
        if name.endswith((".gain", ".shift")):
            parameter.data.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return network.requires_grad_(False), condition


@pytest.fixture(scope="module")
def writer(tiny_gpt2: Gpt2) -> tuple[Gpt2, Condition]:
    return conditional(tiny_gpt2)


@pytest.fixture(scope="module")
def masked(tiny_bert: Bert) -> tuple[Bert, Condition]:
    return conditional(tiny_bert)


@contextmanager
def counted(module: nn.Module) -> Iterator[list[int]]:
    """The calls of a module."""
    calls: list[int] = []
    hook = module.register_forward_hook(lambda *_: calls.append(1))
    yield calls
    hook.remove()


def write(model: Any) -> Tensor:
    """Logits of rows that branch, are reordered, lose a source, and go on by several tokens at once."""
    state = model.start(PREFIXES)
    first = model.step(state, WRITTEN[:3, 0])
    state = state.repeat(2)
    assert state.rows == 6
    second = model.step(state, WRITTEN[:, 1])
    state = state.select(torch.tensor([1, 0, 2, 2, 4, 5]))
    third = model.extend(state, WRITTEN[:, 2:5])
    state = state.select(torch.tensor([0, 1, 4, 5]))
    assert state.rows == 4
    fourth = model.step(state, WRITTEN[:4, 5])
    state = state.narrowed(torch.tensor([1, 2]), 1)
    assert state.rows == 2
    fifth = model.step(state, WRITTEN[:2, 6])
    return torch.cat([first, second, third.flatten(0, 1), fourth, fifth])


@pytest.mark.parametrize("weight", WEIGHTS)
def test_guided_writing_is_the_formula(writer: tuple[Gpt2, Condition], weight: float) -> None:
    network, _ = writer
    for style in (0, 1):
        styled, null = write(in_style(network, style)), write(network)
        found = write(GuidedModel(in_style(network, style), network, weight))
        assert torch.equal(found, (1 + weight) * styled - weight * null)
        of_logprobs = (1 + weight) * styled.log_softmax(-1) - weight * null.log_softmax(-1)
        torch.testing.assert_close(found.softmax(-1), of_logprobs.softmax(-1), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_guided_place_is_the_formula(masked: tuple[Bert, Condition], weight: float) -> None:
    network, _ = masked
    null = network.masked_logits(*MASKED)
    for style in (0, 1):
        styled = in_style(network, style).masked_logits(*MASKED)
        found = GuidedModel(in_style(network, style), network, weight).masked_logits(*MASKED)
        assert torch.equal(found, (1 + weight) * styled - weight * null)
        of_logprobs = guided_logits(styled.log_softmax(-1), null.log_softmax(-1), weight)
        torch.testing.assert_close(found.softmax(-1), of_logprobs.softmax(-1), atol=1e-6, rtol=1e-4)


def test_guidance_leads_away_from_no_style(writer: tuple[Gpt2, Condition]) -> None:
    network, _ = writer
    laws = [
        write(GuidedModel(in_style(network, 0), network, weight)).log_softmax(-1)
        for weight in (0.0, 1.0, 2.0)
    ]
    null = write(network).log_softmax(-1)
    away = [(law.exp() * (laws[0] - null)).sum(-1).mean() for law in laws]
    assert away[0] < away[1] < away[2]


@pytest.mark.parametrize(("guidance", "forwards"), [(0.0, 1), (0.5, 2)])
def test_no_guidance_costs_one_forward(
    writer: tuple[Gpt2, Condition], masked: tuple[Bert, Condition], guidance: float, forwards: int
) -> None:
    model: Any = with_style(writer[0], "新闻", guidance, name="x")
    state = model.start(PREFIXES)
    with counted(writer[0].transformer.h[0].attn.c_attn) as calls:
        model.step(state, WRITTEN[:3, 0])
    assert len(calls) == forwards
    with counted(masked[0].layers[0].attention.self) as calls:
        with_style(masked[0], "新闻", guidance, name="x").masked_logits(*MASKED)
    assert len(calls) == forwards


def test_no_guidance_is_the_style_itself(
    writer: tuple[Gpt2, Condition], masked: tuple[Bert, Condition]
) -> None:
    found = write(with_style(writer[0], "新闻", name="x"))
    assert torch.equal(found, write(in_style(writer[0], 1)))
    assert not torch.equal(found, write(writer[0]))
    found = with_style(masked[0], "新闻", name="x").masked_logits(*MASKED)
    assert torch.equal(found, in_style(masked[0], 1).masked_logits(*MASKED))


def test_no_style_is_the_network_as_it_is(writer: tuple[Gpt2, Condition], tiny_bert: Bert) -> None:
    assert with_style(writer[0], None, name="x") is writer[0]
    assert with_style(tiny_bert, None, name="x") is tiny_bert


def test_texts_that_are_written_in_turns_are_those_written_alone(writer: tuple[Gpt2, Condition]) -> None:
    models: list[Any] = [with_style(writer[0], style, 1.0, name="x") for style in STYLES]
    alone = [write(model) for model in models]
    states = [model.start(PREFIXES) for model in models]
    assert torch.equal(write(models[0]), alone[0])
    for column in range(2):
        for number, (model, state) in enumerate(zip(models, states, strict=True)):
            logits = model.step(state, WRITTEN[:3, column])
            if not column:
                assert torch.equal(logits, alone[number][:3])


def test_hidden_states_of_a_style(writer: tuple[Gpt2, Condition]) -> None:
    network, _ = writer
    styled = with_style(network, STYLES[0], name="x")
    scoring, search, stop = Scoring(torch.ones(101, dtype=torch.bool)), ContrastiveSearch(4, 0.6), Stop(4, 8)
    batch = Batch([[20, 21, 22], [30]], [5, 6], [[]] * 2)

    def found(model: Any) -> list[Any]:
        return contrastive_search(model, batch, scoring, search, lambda _, ids: stop.reason(ids))

    assert found(styled) == found(in_style(network, 0)) != found(network)
    assert not hasattr(with_style(network, STYLES[0], 1.0, name="x"), "hidden")


def test_styles_that_are_not_there(
    writer: tuple[Gpt2, Condition], masked: tuple[Bert, Condition], tiny_gpt2: Gpt2, tiny_bert: Bert
) -> None:
    for refused in (
        lambda: with_style(tiny_gpt2, "诗歌", name="gpt2"),
        lambda: with_style(tiny_bert, "诗歌", name="bert"),
    ):
        with pytest.raises(UsageError, match="knows no styles") as caught:
            refused()
        assert "recipe conditional" in str(caught.value.hint)
    for refused in (
        lambda: with_style(writer[0], "诗", 1.0, name="gpt2"),
        lambda: with_style(masked[0], "诗", name="bert"),
    ):
        with pytest.raises(UsageError, match="there is no style 诗") as caught:
            refused()
        assert "did you mean 诗歌" in str(caught.value.hint)
