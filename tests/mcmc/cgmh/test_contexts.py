"""Logits of a place from its context equal those of the model when it is asked directly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from masked import TabularMasked, random_conditional
from sequences import PrefixModel

from textgen.mcmc.cgmh.contexts import ForwardContext, MaskedContext, TwoWayContext
from textgen.mcmc.cgmh.edits import Context
from textgen.mcmc.cgmh.proposals import ContextModel
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model

VOCAB, MASK, CLS, SEP = 8, 5, 6, 7
# of several padded lengths, in no order
CONTEXTS = [
    Context((1, 2), (3,)),
    Context((1,) * 20, (2,) * 15),
    Context((), ()),
    Context((4, 3, 2, 1), ()),
    Context((), (1, 2) * 9),
    Context((0,) * 12, (1,)),  # 16 with the frame
    Context((0,) * 12, (1, 1)),  # 17
    Context((2, 2), (3,)),
    Context((1, 2), (3,)),
]


@pytest.fixture(autouse=True)
def alone_and_without_gradients() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def assert_together_as_alone(model: ContextModel, contexts: Sequence[Context] = CONTEXTS) -> None:
    found = model.logits(contexts)
    assert found.shape[0] == len(contexts)
    for row, context in zip(found, contexts, strict=True):
        assert torch.equal(row, model.logits([context])[0])
    assert torch.equal(model.logits(contexts[::-1]), found.flip(0))
    assert len({tuple(row) for row in found.tolist()}) == len({(c.left, c.right) for c in contexts})


def masked() -> MaskedContext:
    return MaskedContext(TabularMasked(VOCAB, MASK, random_conditional(VOCAB, 1)), CLS, SEP, MASK)


def test_a_masked_model_sees_both_sides() -> None:
    model = masked()
    found = model.logits(CONTEXTS)
    for row, context in zip(found, CONTEXTS, strict=True):
        body = (*context.left, MASK, *context.right)
        assert torch.equal(row, random_conditional(VOCAB, 1)(body, len(context.left)).float())


def test_a_masked_model_is_asked_once_a_padded_length() -> None:
    model = masked()
    model.logits(CONTEXTS)
    # 1 behind the left side, for what stands before it
    assert [sorted(places) for places in model.model.calls] == [[1, 3, 3, 3, 5, 13], [21], [1, 13]]


def test_masked_places_together_are_what_they_are_alone() -> None:
    assert_together_as_alone(masked())


def forward(seed: int = 2) -> ForwardContext:
    return ForwardContext(PrefixModel(VOCAB, seed), (6, 6), (7, 5))


def test_a_model_from_left_to_right_sees_the_left_side_alone() -> None:
    model = forward()
    found = model.logits(CONTEXTS)
    for row, context in zip(found, CONTEXTS, strict=True):
        wanted = model.model.after((6, 6, 7, 5, *context.left)).float().log_softmax(-1)
        torch.testing.assert_close(row, wanted)
    other = [Context(context.left, (4,) * 40) for context in CONTEXTS]
    assert torch.equal(model.logits(other), found)
    assert torch.equal(model.after([context.left for context in CONTEXTS]), found)


def test_a_model_from_left_to_right_is_asked_once_a_padded_length() -> None:
    model = forward()
    model.after([(1,) * n for n in (0, 20, 14, 15, 3)])
    assert [[len(row) for row in call] for call in model.model.calls] == [[16] * 3, [32] * 2]
    assert model.model.calls[0] == [[7, 5, *[0] * 14], [7, 5, *[1] * 14], [7, 5, 1, 1, 1, *[0] * 11]]


def test_places_from_left_to_right_together_are_what_they_are_alone() -> None:
    lefts = [Context(context.left, ()) for context in CONTEXTS]
    assert_together_as_alone(forward(), lefts)


def test_two_models_that_write_towards_each_other_multiply() -> None:
    backward = ForwardContext(PrefixModel(VOCAB, 3), (1,), (4,))
    model = TwoWayContext(forward(), backward)
    for row, context in zip(model.logits(CONTEXTS), CONTEXTS, strict=True):
        there = forward().model.after((6, 6, 7, 5, *context.left)).float().log_softmax(-1)
        back = backward.model.after((1, 4, *reversed(context.right))).float().log_softmax(-1)
        torch.testing.assert_close(row, there + back)
    assert_together_as_alone(model)


# real networks: the shipped BERT, and small ones

TEXT = "今天下午，市气象台发布了大风蓝色预警，提醒市民注意安全。"


def places(model: LoadedModel) -> tuple[list[int], list[Context]]:
    ids = model.tokenizer.encode(TEXT)
    assert 16 < len(ids) < 48
    cuts = [(0, len(ids)), (0, 9), (5, 9), (3, len(ids)), (8, 9), (2, 15), (len(ids) - 1, len(ids))]
    around = [Context(tuple(ids[:a]), tuple(ids[a + 1 : b])) for a, b in cuts]
    return ids, around


def test_the_shipped_bert(bert_model: LoadedModel) -> None:
    specials = bert_model.tokenizer.specials
    model = MaskedContext(bert_model.network, specials.cls, specials.sep, specials.mask)
    ids, contexts = places(bert_model)
    assert_together_as_alone(model, contexts)
    for row, context in zip(model.logits(contexts), contexts, strict=True):
        framed = [specials.cls, *context.left, specials.mask, *context.right, specials.sep]
        place = torch.tensor([1 + len(context.left)])
        direct = bert_model.network.masked_logits(torch.tensor([framed]), torch.tensor([len(framed)]), place)
        torch.testing.assert_close(row, direct[0].float(), atol=1e-3, rtol=1e-4)
    whole = model.logits([Context(tuple(ids[:2]), tuple(ids[3:]))])[0].softmax(-1)
    assert bert_model.tokenizer.encode("今天下")[2:] == [ids[2]]
    assert float(whole[ids[2]]) > 0.2  # it knows which afternoon it is


def test_a_gpt2(small_models: Path) -> None:
    gpt2 = load_model(find_model(str(small_models / "gpt2")))
    network, specials = gpt2.network, gpt2.tokenizer.specials
    model = ForwardContext(network, [], [specials.bos])
    _, contexts = places(gpt2)
    lefts = list({context.left: Context(context.left, ()) for context in contexts}.values())
    assert_together_as_alone(model, lefts)
    for row, context in zip(model.logits(lefts), lefts, strict=True):
        state = network.start([[]])
        for token in (specials.bos, *context.left):
            logits = network.step(state, torch.tensor([token]))
        torch.testing.assert_close(row, logits[0].float().log_softmax(-1), atol=1e-4, rtol=1e-4)


def test_a_title_model_from_both_sides(small_models: Path) -> None:
    title = load_model(find_model(str(small_models / "title")))
    network, specials = title.network, title.tokenizer.specials
    source = [specials.cls, specials.sep]
    model = TwoWayContext(
        ForwardContext(network, source, [specials.l2r]), ForwardContext(network, source, [specials.r2l])
    )
    contexts = places(title)[1][1:6:2]
    assert_together_as_alone(model, contexts)
    for row, context in zip(model.logits(contexts), contexts, strict=True):
        total = torch.zeros_like(row)
        for direction, text in ((specials.l2r, context.left), (specials.r2l, context.right[::-1])):
            state = network.start([source])
            for token in (direction, *text):
                logits = network.step(state, torch.tensor([token]))
            total += logits[0].float().log_softmax(-1)
        torch.testing.assert_close(row, total, atol=1e-4, rtol=1e-4)
