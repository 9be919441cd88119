"""Bits per character and pseudo-perplexity are those of a plain computation, one piece at a time."""

from __future__ import annotations

from math import exp, log
from typing import Any

import pytest
import torch
from torch import nn

from textgen.events import Event, Progress
from textgen.metrics import fluency
from textgen.metrics.fluency import bits_per_char, pseudo_perplexity
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_tokenizer

POSITIONS = 20
VOCABULARY = 8192
SHORT = ["春天来了，山里的花都开了。", "今天", "AI改变世界😀"]
LONG = "今日本市天气晴朗，气温回升，市民纷纷走出家门，到公园里散步赏花，孩子们在草地上放风筝。"


def loaded(name: str, network: Any, noise: float) -> LoadedModel:
    """A network with random weights, or with none, so that every piece is equally probable."""
    generator = torch.Generator().manual_seed(5)
    for _, parameter in sorted(network.named_parameters()):
        parameter.data.copy_(noise * torch.randn(parameter.shape, generator=generator))
    files = find_model(name)
    network = network.eval().requires_grad_(False)
    return LoadedModel(files, network, load_tokenizer(files), "tiny")


def gpt2() -> nn.Module:
    return Gpt2(Gpt2Config(VOCABULARY, 16, 2, 2, POSITIONS, 1e-5))


def bert() -> nn.Module:
    return Bert(BertConfig(VOCABULARY, 16, 2, 2, 24, POSITIONS, 2, 1e-12))


@pytest.fixture(scope="session")
def tiny_lm() -> LoadedModel:
    return loaded("gpt2", gpt2(), noise=0.5)


@pytest.fixture(scope="session")
def flat_lm() -> LoadedModel:
    return loaded("gpt2", gpt2(), noise=0)


@pytest.fixture(scope="session")
def tiny_mlm() -> LoadedModel:
    return loaded("bert", bert(), noise=0.5)


@pytest.fixture(scope="session")
def flat_mlm() -> LoadedModel:
    return loaded("bert", bert(), noise=0)


def pieces(model: LoadedModel, text: str) -> list[int]:
    return model.tokenizer.encode(text)


def next_logprob(model: LoadedModel, before: list[int], wanted: int) -> float:
    """One forward over what stands before, without padding or neighbours."""
    network = model.network
    logits = network.extend(network.start([[]]), torch.tensor([before]))[0, -1].double()
    return float(logits.log_softmax(-1)[wanted])


def masked_logprob(model: LoadedModel, seen: list[int], place: int) -> float:
    specials = model.tokenizer.specials
    ids = [specials.cls, *seen, specials.sep]
    wanted, ids[place + 1] = ids[place + 1], specials.mask
    row, length = torch.tensor([ids]), torch.tensor([len(ids)])
    logits = model.network.masked_logits(row, length, torch.tensor([place + 1]))[0].double()
    return float(logits.log_softmax(-1)[wanted])


def test_bits_of_short_texts(tiny_lm: LoadedModel) -> None:
    specials = tiny_lm.tokenizer.specials
    expected = 0.0
    for text in SHORT:
        ids = [specials.bos, *pieces(tiny_lm, text), specials.eos]
        assert len(ids) <= POSITIONS + 1
        expected -= sum(next_logprob(tiny_lm, ids[:at], ids[at]) for at in range(1, len(ids)))
    value = bits_per_char(tiny_lm, SHORT).value
    assert value == pytest.approx(expected / log(2) / sum(map(len, SHORT)), abs=1e-4)
    assert bits_per_char(tiny_lm, SHORT[:1]).value != pytest.approx(value, abs=1e-2)


def test_bits_of_a_text_longer_than_the_model_reads(tiny_lm: LoadedModel) -> None:
    specials = tiny_lm.tokenizer.specials
    ids = [specials.bos, *pieces(tiny_lm, LONG), specials.eos]
    assert len(ids) > POSITIONS + 2 + POSITIONS // 2, "three windows"
    expected = -sum(next_logprob(tiny_lm, ids[:at], ids[at]) for at in range(1, POSITIONS + 1))
    counted = POSITIONS + 1
    while counted < len(ids):
        end = min(counted + (POSITIONS + 1) // 2, len(ids))
        start = end - POSITIONS - 1
        expected -= sum(next_logprob(tiny_lm, ids[start:at], ids[at]) for at in range(counted, end))
        counted = end
    assert bits_per_char(tiny_lm, [LONG]).value == pytest.approx(expected / log(2) / len(LONG), abs=1e-4)


@pytest.mark.parametrize("text", [SHORT[0], SHORT[2], LONG, LONG * 2, LONG[:27]])
def test_every_piece_and_the_end_count_once(flat_lm: LoadedModel, text: str) -> None:
    count = len(pieces(flat_lm, text)) + 1
    assert bits_per_char(flat_lm, [text]).value == pytest.approx(13 * count / len(text), rel=1e-5)
    assert VOCABULARY == 2**13


def test_perplexity_of_short_texts(tiny_mlm: LoadedModel) -> None:
    logprobs = [
        masked_logprob(tiny_mlm, ids, place)
        for ids in (pieces(tiny_mlm, text) for text in SHORT)
        for place in range(len(ids))
    ]
    found = pseudo_perplexity(tiny_mlm, SHORT).value
    assert found == pytest.approx(exp(-sum(logprobs) / len(logprobs)), rel=1e-4)


def test_perplexity_of_a_text_longer_than_the_model_reads(tiny_mlm: LoadedModel) -> None:
    ids = pieces(tiny_mlm, LONG)
    room = POSITIONS - 2
    assert len(ids) > 1.5 * room
    logprobs = []
    for place in range(len(ids)):
        start = place // (room // 4) * (room // 4) - room // 2
        start = max(0, min(start, len(ids) - room))
        logprobs.append(masked_logprob(tiny_mlm, ids[start : start + room], place - start))
    found = pseudo_perplexity(tiny_mlm, [LONG]).value
    assert found == pytest.approx(exp(-sum(logprobs) / len(logprobs)), rel=1e-4)


@pytest.mark.parametrize("text", [SHORT[2], LONG, LONG * 2])
def test_every_piece_is_guessed_once(flat_mlm: LoadedModel, text: str) -> None:
    statistics = pseudo_perplexity(flat_mlm, [text])
    assert statistics.counts[0][1] == len(pieces(flat_mlm, text))
    assert statistics.value == pytest.approx(VOCABULARY, rel=1e-4)


@pytest.mark.parametrize("metric", [bits_per_char, pseudo_perplexity])
def test_blank_texts_have_no_part_in_it(metric, tiny_lm: LoadedModel, tiny_mlm: LoadedModel) -> None:
    model = tiny_lm if metric is bits_per_char else tiny_mlm
    assert metric(model, ["", " \n"]).value is None
    statistics = metric(model, ["", SHORT[0], " "])
    assert statistics.value == pytest.approx(metric(model, SHORT[:1]).value)
    assert [counted > 0 for _, counted in statistics.counts] == [False, True, False]


@pytest.mark.parametrize("metric", [bits_per_char, pseudo_perplexity])
def test_a_row_does_not_depend_on_the_others_in_any_bit(
    metric, tiny_lm: LoadedModel, tiny_mlm: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_lm if metric is bits_per_char else tiny_mlm
    texts = [*SHORT, LONG, *(text[1:] for text in SHORT)]
    together = metric(model, texts).counts
    monkeypatch.setattr(fluency, "PLACES", 40)  # one or two rows at a time
    for row, text in enumerate(texts):
        assert metric(model, [text]).counts[0] == together[row]
    for found, expected in zip(metric(model, texts[::-1]).counts[::-1], together, strict=True):
        assert found == expected


def test_progress_is_told_in_texts(tiny_mlm: LoadedModel) -> None:
    events: list[Event] = []
    pseudo_perplexity(tiny_mlm, [*SHORT, LONG], events.append)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert events[-1] == Progress(4, 4)


def test_disorder_costs_more(gpt2_model: LoadedModel, bert_model: LoadedModel) -> None:
    good, bad = ["今天的天气很好。"], ["气今好的天。很天"]
    for metric, model in ((bits_per_char, gpt2_model), (pseudo_perplexity, bert_model)):
        fluent, broken = metric(model, good).value, metric(model, bad).value
        assert fluent is not None
        assert broken is not None
        assert broken > 1.5 * fluent
