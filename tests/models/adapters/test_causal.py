"""Causal networks of transformers, seen as language models: the same numbers and the same texts."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from exact_texts import assert_near, texts_of
from foreign_networks import CAUSAL, POSITIONS, VOCABULARY, foreign, randomised
from torch import Tensor
from transformers import BertConfig, BertLMHeadModel, GPT2LMHeadModel

from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Batch
from textgen.decoding.search.contrastive import ContrastiveSearch, contrastive_search
from textgen.errors import ModelError
from textgen.models.adapters import beginning
from textgen.models.adapters.causal import CausalAdapter
from textgen.models.scoring import sequence_logprobs
from textgen.models.shared_prefix import SharedPrefix
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel

END, OTHER_END = 3, 4
SOURCES = [[5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], [21]]  # of one padded length
REMEMBER = sorted(CAUSAL.keys() - {"gpt1", "mamba"})


def adapter(kind: str, ends: list[int] | None = None, **more: Any) -> CausalAdapter:
    return CausalAdapter(foreign(kind), positions=POSITIONS, ends=ends or [END], **more)


@pytest.fixture(params=sorted(CAUSAL))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def without_gradients() -> Any:
    with torch.inference_mode():
        yield


def whole(kind: str, ids: list[int]) -> Tensor:
    """What transformers computes of one text, alone and from scratch, `(length, vocab)`."""
    logits: Tensor = foreign(kind)(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    return logits


def test_it_is_a_language_model_and_nothing_else(kind: str) -> None:
    model = adapter(kind)
    assert isinstance(model, LanguageModel)
    assert not isinstance(model, MaskedLanguageModel | TitleModel)
    assert model.vocab_size == VOCABULARY
    assert model.embedding.num_embeddings == VOCABULARY


def test_the_head_is_told_from_the_rest_also_where_logits_are_capped(kind: str) -> None:
    model = adapter(kind)
    assert model.shows_hidden
    state, hidden = model.read(SOURCES)
    for source, states in zip(SOURCES, hidden, strict=True):
        assert_near(model.head(state, states[None])[0], whole(kind, source))


def test_what_is_remembered_is_keys_and_values_alone(kind: str) -> None:
    assert hasattr(adapter(kind).start(SOURCES), "cache") == (kind in REMEMBER)


def test_steps_and_extensions_of_a_batch_are_whole_texts_alone(kind: str) -> None:
    model, steps = adapter(kind), [[30, 31, 32], [33, 34, 35], [36, 37, 38]]
    state = model.start(SOURCES)
    one = model.step(state, torch.tensor([row[0] for row in steps]))
    rest = model.extend(state, torch.tensor([row[1:] for row in steps]))
    for n, (source, row) in enumerate(zip(SOURCES, steps, strict=True)):
        expected = whole(kind, [*source, *row])[len(source) :]
        assert_near(torch.cat([one[n][None], rest[n]]), expected)


def test_a_long_source_beside_a_window_and_from_nothing(kind: str) -> None:
    model = adapter(kind)
    long = [5 + n % 80 for n in range(40)]
    state = model.start([long, long[:35]])
    found = torch.stack([model.step(state, torch.tensor([n, n + 1])) for n in range(40, 48)], 1)
    assert_near(found[0], whole(kind, [*long, *range(40, 48)])[40:])
    assert_near(found[1], whole(kind, [*long[:35], *range(41, 49)])[35:])
    nothing = model.start([[], []])
    assert nothing.rows == 2
    assert_near(model.extend(nothing, torch.tensor([[5, 6], [7, 8]]))[1], whole(kind, [7, 8]))


def test_copied_and_chosen_rows_leave_the_old_state_as_it_was(kind: str) -> None:
    model = adapter(kind)
    state = model.start(SOURCES)
    model.step(state, torch.tensor([30, 31, 32]))
    double = state.repeat(2)
    assert double.rows == 6
    model.step(double, torch.tensor([40, 41, 42, 43, 44, 45]))
    turned = double.select(torch.tensor([5, 4, 0, 0]))  # the third source's rows turned, the first's first
    assert turned.rows == 4
    found = model.step(turned, torch.tensor([50, 51, 52, 53]))
    texts = [[*SOURCES[2], 32, 45, 50], [*SOURCES[2], 32, 44, 51], [*SOURCES[0], 30, 40, 52]]
    for row, text in zip(found, texts, strict=False):
        assert_near(row, whole(kind, text)[-1])
    after = model.step(double, torch.tensor([60, 61, 62, 63, 64, 65]))
    assert_near(after[3], whole(kind, [*SOURCES[1], 31, 43, 63])[-1])
    assert_near(model.step(state, torch.tensor([70, 71, 72]))[1], whole(kind, [*SOURCES[1], 31, 71])[-1])


@pytest.mark.parametrize("kind", ["gpt2", "qwen3", "minicpm3"])
def test_what_the_rows_of_a_source_begin_with_is_kept_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(*, shared: bool) -> list[Tensor]:
        model = adapter(kind)
        state = model.start(SOURCES)
        found = [model.step(state, torch.tensor([30, 31, 32]))]
        state = state.repeat(2)
        assert len(state.cache.layers[0].keys) == 6
        assert (state.cache.layers[0].keys.shape[2] == 0) is shared
        found.append(model.step(state, torch.tensor([40, 41, 42, 43, 44, 45])))
        state = state.select(torch.tensor([5, 4, 1, 1])).repeat(2)
        assert state.rows == 8
        found.append(model.extend(state, torch.arange(16).view(8, 2)))
        layer = state.cache.layers[0]
        assert not shared or (len(layer.begun[0]), len(layer.keys), layer.keys.shape[2]) == (2, 8, 3)
        return found

    once = written(shared=True)
    monkeypatch.setattr(beginning, "PLAIN", "")
    for one, other in zip(once, written(shared=False), strict=True):
        assert torch.equal(one, other)


def greedy(model: CausalAdapter, sources: list[list[int]], length: int) -> list[list[int]]:
    """What is written behind sources, the last token of each given."""
    return texts_of(
        model, [source[:-1] for source in sources], [source[-1] for source in sources], length, END
    )


def test_greedy_texts_are_those_of_generate_alone_and_together(kind: str) -> None:
    model, sources = adapter(kind), [source for source in SOURCES if len(source) > 1]
    expected = [
        foreign(kind)
        .generate(
            torch.tensor([source]),
            attention_mask=torch.ones(1, len(source), dtype=torch.long),
            max_new_tokens=10,
            do_sample=False,
            eos_token_id=END,
            pad_token_id=0,
        )[0, len(source) :]
        .tolist()
        for source in sources
    ]
    assert greedy(model, sources, 10) == expected
    assert [greedy(model, [source], 10)[0] for source in sources] == expected


def test_targets_of_different_length_have_transformers_probabilities(kind: str) -> None:
    model, targets = adapter(kind), [[5, 6, END], [7, 8, 9, 10, END]]
    found = sequence_logprobs(model, SOURCES[0], targets)
    for value, target in zip(found, targets, strict=True):
        logprobs = whole(kind, [*SOURCES[0], *target]).log_softmax(-1)[len(SOURCES[0]) : -1]
        assert float(value) == pytest.approx(
            float(logprobs.gather(1, torch.tensor(target[1:])[:, None]).sum()), abs=1e-4
        )


def test_padding_behind_the_last_position_changes_nothing(kind: str) -> None:
    model = adapter(kind)
    text = [5 + n % 80 for n in range(POSITIONS)]
    found = model.extend(model.start([[]]), torch.tensor([[*text, *[0] * 16]]))
    assert_near(found[0, :POSITIONS], whole(kind, text))


@pytest.mark.parametrize("kind", ["gpt2", "mamba"])
def test_shared_sources_and_contrastive_search(kind: str) -> None:
    model = adapter(kind)
    shared = SharedPrefix(model, [source[:-1] for source in SOURCES[:2]])
    batch = Batch([s[:-1] for s in SOURCES[:2]], [s[-1] for s in SOURCES[:2]], SOURCES[:2])
    everything = Scoring(torch.ones(VOCABULARY, dtype=torch.bool))

    def stop(row: int, ids: Any) -> str | None:
        return "length" if len(ids) == 6 else None

    search = ContrastiveSearch(top_k=3, alpha=0.0)
    found = contrastive_search(shared, batch, everything, search, stop)
    assert [text[0].ids for text in found] == greedy(model, SOURCES[:2], 6)


def test_several_ends_are_one(kind: str) -> None:
    plain, model = adapter(kind), adapter(kind, [END, OTHER_END, END])
    logits = plain.step(plain.start(SOURCES), torch.tensor([30, 31, 32])).log_softmax(-1)
    found = model.step(model.start(SOURCES), torch.tensor([30, 31, 32])).log_softmax(-1)
    assert_near(found[:, END].exp(), logits[:, END].exp() + logits[:, OTHER_END].exp())
    assert (found[:, OTHER_END] == -torch.inf).all()
    assert_near(found[:, 5:], logits[:, 5:])


def test_a_start_symbol_that_is_not_read_is_left_out_of_sources(kind: str) -> None:
    model = adapter(kind, reads_bos=False, bos=2)
    found = model.step(model.start([[2, 5, 6], [2]]), torch.tensor([7, 8]))
    assert_near(found[0], whole(kind, [5, 6, 7])[-1])
    assert_near(found[1], whole(kind, [8])[-1])
    assert_near(model.step(model.start([[]]), torch.tensor([2]))[0], whole(kind, [2])[-1])
    # alone it is as wide as beside others: nothing but padding
    assert_near(model.step(model.start([[2]]), torch.tensor([8]))[0], whole(kind, [8])[-1])


def test_whole_rows_for_training(kind: str) -> None:
    assert_near(adapter(kind)(torch.tensor([[5, 6, 7]]))[0], whole(kind, [5, 6, 7]))


def test_logits_stand_for_hidden_states_that_cannot_be_told_from_the_head() -> None:
    class Undivided(GPT2LMHeadModel):
        base_model_prefix = "nothing"

        def get_input_embeddings(self) -> Any:
            return self.transformer.wte

    network = Undivided(foreign("gpt2").config).eval()
    network.load_state_dict(foreign("gpt2").state_dict())
    model = CausalAdapter(network, positions=POSITIONS, ends=[END, OTHER_END])
    assert not model.shows_hidden
    state, hidden = model.read(SOURCES)
    assert hidden[1].shape == (12, VOCABULARY)
    usual = adapter("gpt2", [END, OTHER_END])
    tokens = torch.tensor([30, 31, 32])
    assert_near(model.step(state, tokens), usual.step(usual.start(SOURCES), tokens))
    assert_near(model.step(model.start([[]]), tokens[:1]), usual.step(usual.start([[]]), tokens[:1]))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_of_16_bits_give_logits_of_32(dtype: torch.dtype) -> None:
    network = deepcopy(foreign("qwen3")).to(dtype)
    model = CausalAdapter(network, positions=POSITIONS, ends=[END, OTHER_END])
    assert model.shows_hidden
    found = model.step(model.start(SOURCES), torch.tensor([30, 31, 32]))
    assert found.dtype == torch.float32
    expected = whole("qwen3", [*SOURCES[0], 30])[-1]
    assert float((found[0, 5:] - expected[5:]).abs().max()) < 0.3


def test_a_network_that_looks_ahead_is_refused() -> None:
    sizes = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    network = BertLMHeadModel(BertConfig(**sizes, intermediate_size=8)).eval()
    randomised(network, 1)
    with pytest.raises(ModelError, match="a place of BertLMHeadModel sees what follows it"):
        CausalAdapter(network, positions=32, ends=[3])
