"""Encoder-decoders of transformers, seen as title models: the same numbers and the same texts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from exact_texts import assert_near, texts_of
from foreign_networks import ENCODER_DECODER, POSITIONS, VOCABULARY, foreign
from torch import Tensor

from textgen.errors import ModelError
from textgen.models.adapters.encoder_decoder import EncoderDecoderAdapter
from textgen.models.scoring import sequence_logprobs
from textgen.models.shared_prefix import SharedPrefix
from textgen.models.views import LanguageModel, TitleModel, TitlePositions, TwoWayModel
from textgen.tokenizers.base import ABSENT

END, OTHER_END, L2R = 3, 4, -7  # what stands for the first token is never looked up
STARTS = [3, 2]
SOURCES = [[1, 5, 6, 7, 2], [1, 8, 9, 10, 11, 12, 13, 14, 15, 2], [1, 2]]  # of one padded length


def adapter(kind: str, ends: list[int] | None = None, starts: list[int] | None = None) -> Any:
    return EncoderDecoderAdapter(
        foreign(kind),
        starts=starts or STARTS,
        ends=ends or [END],
        source_positions=POSITIONS,
        target_positions=POSITIONS,
    )


@pytest.fixture(params=sorted(ENCODER_DECODER))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def without_gradients() -> Any:
    with torch.inference_mode():
        yield


def whole(kind: str, source: list[int], target: list[int], starts: list[int] | None = None) -> Tensor:
    """What transformers computes after the starts and each further id of one target, `(length, vocab)`."""
    begun = starts or STARTS
    ids = torch.tensor([[*begun, *target]])
    found: Tensor = foreign(kind)(
        input_ids=torch.tensor([source]), decoder_input_ids=ids, use_cache=False
    ).logits
    return found[0, len(begun) - 1 :]


def test_it_is_a_title_model_of_one_direction(kind: str) -> None:
    model = adapter(kind)
    assert isinstance(model, TitleModel)
    assert isinstance(model, TitlePositions)
    assert model.target_room == POSITIONS - len(STARTS)
    assert not isinstance(model, TwoWayModel | LanguageModel)
    assert not model.two_way
    assert model.vocab_size == VOCABULARY
    assert model.embedding.num_embeddings == VOCABULARY
    assert model.source_room(30) == POSITIONS
    assert [hidden.shape for hidden in model.read(SOURCES)[1]] == [(0, model.width)] * 3


def test_rows_of_a_source_share_its_keys_and_values(kind: str) -> None:
    model = adapter(kind)
    read = model.start(SOURCES)
    state = read.repeat(2).repeat(2)
    model.step(state, torch.tensor([L2R] * 12))
    model.step(state, torch.tensor([30, 31, 32, 33] * 3))
    kept = state.select(torch.tensor([1, 1, 3, 0, 11, 11, 8, 10]))
    for rows in (state, kept):
        layers = rows.cache.cross_attention_cache.layers
        assert {len(layer.keys) for layer in layers} == {len(rows.lengths)}
        assert {len(layer.keys) for layer in rows.cache.self_attention_cache.layers} == {rows.rows}
    assert layers[0].keys is not state.cache.cross_attention_cache.layers[0].keys
    same = state.select(torch.tensor([3, 2, 1, 0, 4, 4, 4, 4, 8, 9, 10, 11]))
    assert same.cache.cross_attention_cache.layers[0].keys is state.cache.cross_attention_cache.layers[0].keys
    found = model.step(kept, torch.tensor([40] * 8))
    second = [31, 31, 33, 30, 33, 33, 30, 32]
    for row, token in enumerate(second):
        source = SOURCES[0 if row < 4 else 2]
        assert_near(found[row], whole(kind, source, [token, 40])[-1])


@pytest.mark.parametrize("starts", [[2], [3, 2]])
def test_steps_and_extensions_of_a_batch_are_whole_texts_alone(kind: str, starts: list[int]) -> None:
    model, targets = adapter(kind, starts=starts), [[30, 31, 32], [33, 34, 35], [36, 37, 38]]
    state = model.start(SOURCES)
    parts = [model.step(state, torch.tensor([L2R] * 3))[:, None]]
    parts.append(model.step(state, torch.tensor([row[0] for row in targets]))[:, None])
    parts.append(model.extend(state, torch.tensor([row[1:] for row in targets])))
    found = torch.cat(parts, 1)
    together = model.extend(model.start(SOURCES), torch.tensor([[L2R, *row] for row in targets]))
    for n, (source, target) in enumerate(zip(SOURCES, targets, strict=True)):
        expected = whole(kind, source, target, starts)
        assert_near(found[n], expected)
        assert_near(together[n], expected)


def test_symbols_that_a_model_does_not_have_are_left_out_of_sources(kind: str) -> None:
    model = adapter(kind)
    found = model.step(model.start([[ABSENT, 5, 6, ABSENT], [1, 5, 6, 2]]), torch.tensor([L2R, L2R]))
    assert_near(found[0], whole(kind, [5, 6], [])[0])
    assert_near(found[1], whole(kind, [1, 5, 6, 2], [])[0])


def test_copied_and_chosen_rows_leave_the_old_state_as_it_was(kind: str) -> None:
    model = adapter(kind)
    state = model.start(SOURCES)
    model.step(state, torch.tensor([L2R] * 3))
    double = state.repeat(2)
    assert double.rows == 6
    model.step(double, torch.tensor([40, 41, 42, 43, 44, 45]))
    swapped = double.select(torch.tensor([1, 0, 3, 3, 4, 5]))
    turned = double.select(torch.tensor([5, 4, 0, 0]))
    found = model.step(turned, torch.tensor([50, 51, 52, 53]))
    assert turned.rows == 4
    texts = [(SOURCES[2], [45, 50]), (SOURCES[2], [44, 51]), (SOURCES[0], [40, 52]), (SOURCES[0], [40, 53])]
    for row, text in zip(found, texts, strict=True):
        assert_near(row, whole(kind, *text)[-1])
    found = model.step(swapped, torch.tensor([50, 51, 52, 53, 54, 55]))
    assert_near(found[0], whole(kind, SOURCES[0], [41, 50])[-1])
    assert_near(found[2], whole(kind, SOURCES[1], [43, 52])[-1])
    after = model.step(double, torch.tensor([60, 61, 62, 63, 64, 65]))
    assert_near(after[3], whole(kind, SOURCES[1], [43, 63])[-1])
    assert_near(model.step(state, torch.tensor([70, 71, 72]))[1], whole(kind, SOURCES[1], [71])[-1])


def test_greedy_texts_are_those_of_generate_alone_and_together(kind: str) -> None:
    model = adapter(kind)
    expected = [
        foreign(kind)
        .generate(
            torch.tensor([source]),
            decoder_input_ids=torch.tensor([STARTS]),
            decoder_start_token_id=STARTS[0],
            max_new_tokens=10,
            do_sample=False,
            num_beams=1,
            eos_token_id=END,
            pad_token_id=0,
        )[0, len(STARTS) :]
        .tolist()
        for source in SOURCES
    ]
    assert texts_of(model, SOURCES, [L2R] * 3, 10, END) == expected
    assert [texts_of(model, [source], [L2R], 10, END)[0] for source in SOURCES] == expected
    assert texts_of(SharedPrefix(model, SOURCES), SOURCES[:2], [L2R] * 2, 10, END) == expected[:2]


def test_targets_of_different_length_have_transformers_probabilities(kind: str) -> None:
    targets = [[5, 6, END], [7, 8, 9, 10, END]]
    found = sequence_logprobs(adapter(kind), SOURCES[0], [[L2R, *target] for target in targets])
    for value, target in zip(found, targets, strict=True):
        logprobs = whole(kind, SOURCES[0], target).log_softmax(-1)[:-1]
        wanted = float(logprobs.gather(1, torch.tensor(target)[:, None]).sum())
        assert float(value) == pytest.approx(wanted, abs=1e-4)


def test_padding_behind_the_last_position_changes_nothing(kind: str) -> None:
    model, target = adapter(kind), [5 + n % 80 for n in range(POSITIONS - len(STARTS))]
    state = model.start(SOURCES[:1])
    found = model.extend(state, torch.tensor([[L2R, *target, *[0] * 16]]))
    assert found.shape[1] == 1 + len(target) + 16
    assert_near(found[0, : 1 + len(target)], whole(kind, SOURCES[0], target))
    with pytest.raises(ModelError, match="the model writes 62 tokens at most"):
        model.step(state, torch.tensor([5]))


def test_a_source_as_long_as_can_be_read(kind: str) -> None:
    model, long = adapter(kind), [5 + n % 80 for n in range(POSITIONS)]
    assert_near(model.step(model.start([long]), torch.tensor([L2R]))[0], whole(kind, long, [])[0])
    model.source_positions = 60  # of which padding would make 64
    assert model.start([long[:58]]).mask.shape == (1, 60)


def test_several_ends_are_one(kind: str) -> None:
    plain, model = adapter(kind), adapter(kind, [END, OTHER_END])
    logits = plain.step(plain.start(SOURCES), torch.tensor([L2R] * 3)).log_softmax(-1)
    found = model.step(model.start(SOURCES), torch.tensor([L2R] * 3)).log_softmax(-1)
    assert_near(found[:, END].exp(), logits[:, END].exp() + logits[:, OTHER_END].exp())
    assert (found[:, OTHER_END] == -torch.inf).all()


def test_other_networks_are_refused() -> None:
    with pytest.raises(ModelError, match="GPT2LMHeadModel is no encoder-decoder"):
        adapter("gpt2")
