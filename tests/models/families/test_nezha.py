"""NEZHA against its formulas, written down once more place by place in float64."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from reference_networks import BERT_SIZES, randomise
from safetensors.torch import load_file, save_file
from small_titles import TOKENIZER
from torch import Tensor

from textgen.check.run import check_model
from textgen.errors import ModelError
from textgen.models.families import NEZHA, family_for
from textgen.models.families.nezha import Nezha, NezhaConfig, distance_vectors
from textgen.models.layers.int8 import int8_problem
from textgen.models.padding import read_together
from textgen.models.precision import set_precision
from textgen.store.catalog import find_directory
from textgen.store.load import load_model
from textgen.store.save import save_model

FURTHEST = 3  # places; texts are longer
SIZES = BERT_SIZES | {"max_relative_position": FURTHEST}
HEADS, WIDTH = SIZES["num_attention_heads"], SIZES["hidden_size"] // SIZES["num_attention_heads"]
TEXTS = [[2, 5, 6, 7, 8, 9, 10, 3], [2, 11, 3], [2, *range(20, 40), 3]]


def made(seed: int = 8) -> Nezha:
    network = Nezha(NezhaConfig(**SIZES)).eval().requires_grad_(False)
    randomise(network, seed)
    return network


@pytest.fixture(scope="module")
def network() -> Nezha:
    return made()


def of_distance(distance: int) -> Tensor:
    """The vector of one distance, number by number."""
    place = max(-FURTHEST, min(distance, FURTHEST)) + FURTHEST
    angles = [place / 10000 ** (2 * (column // 2) / WIDTH) for column in range(WIDTH)]
    numbers = [math.cos(a) if column % 2 else math.sin(a) for column, a in enumerate(angles)]
    return torch.tensor(numbers, dtype=torch.float64)


def normed(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    apart = x - x.mean(-1, keepdim=True)
    deviation = (apart.square().mean(-1, keepdim=True) + 1e-12).sqrt()
    return apart / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def dense(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def expected(network: Nezha, ids: list[int]) -> Tensor:
    """Logits `(length, vocab)`."""
    weights = {name: tensor.double() for name, tensor in network.state_dict().items()}
    words, kind = (weights[f"nezha.embeddings.{n}_embeddings.weight"] for n in ("word", "token_type"))
    x = normed(words[ids] + kind[0], weights, "nezha.embeddings.LayerNorm")
    vectors = torch.stack(
        [torch.stack([of_distance(j - i) for j in range(len(ids))]) for i in range(len(ids))]
    )
    for layer in range(SIZES["num_hidden_layers"]):
        name, contexts = f"nezha.encoder.layer.{layer}", []
        parts = (dense(x, weights, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        for q, k, v in zip(*(part.chunk(HEADS, -1) for part in parts), strict=True):
            rows = []
            for i in range(len(ids)):
                weight = ((k + vectors[i]) @ q[i] / math.sqrt(WIDTH)).softmax(0)
                rows.append(weight @ (v + vectors[i]))
            contexts.append(torch.stack(rows))
        context = dense(torch.cat(contexts, -1), weights, f"{name}.attention.output.dense")
        x = normed(context + x, weights, f"{name}.attention.output.LayerNorm")
        inner = gelu(dense(x, weights, f"{name}.intermediate.dense"))
        x = normed(dense(inner, weights, f"{name}.output.dense") + x, weights, f"{name}.output.LayerNorm")
    x = gelu(dense(x, weights, "cls.predictions.transform.dense"))
    x = normed(x, weights, "cls.predictions.transform.LayerNorm")
    return x @ words.T + weights["cls.predictions.bias"]


def test_texts_together_are_the_formulas_alone(network: Nezha) -> None:
    ids, lengths = read_together(TEXTS)
    logits = network.logits(network.encode(ids, lengths))
    for row, text in zip(logits, TEXTS, strict=True):
        torch.testing.assert_close(row[: len(text)], expected(network, text).float(), atol=1e-4, rtol=0)


def test_one_place_a_row_is_that_place(network: Nezha) -> None:
    ids, lengths = read_together(TEXTS)
    places = torch.tensor([3, 1, 17])
    found = network.masked_logits(ids, lengths, places)
    for row, text, place in zip(found, TEXTS, places.tolist(), strict=True):
        torch.testing.assert_close(row, expected(network, text)[place].float(), atol=1e-4, rtol=0)


def test_rows_together_are_each_alone_to_the_bit(network: Nezha) -> None:
    ids, lengths = read_together(TEXTS)
    places = torch.tensor([3, 1, 17])
    together, masked = network.encode(ids, lengths), network.masked_logits(ids, lengths, places)
    for n in range(len(TEXTS)):
        one = slice(n, n + 1)
        assert torch.equal(network.encode(ids[one], lengths[one])[0], together[n])
        assert torch.equal(network.masked_logits(ids[one], lengths[one], places[one])[0], masked[n])


def test_a_distance_is_told_as_far_as_the_furthest() -> None:
    vectors = distance_vectors(64, 64)
    assert vectors.shape == (129, 64)
    assert vectors.unique(dim=0).shape == (129, 64)
    assert vectors[64, 0].item() == pytest.approx(math.sin(64), abs=1e-4)


def test_a_directory_of_one_is_loaded(tmp_path: Path) -> None:
    config = SIZES | {"vocab_size": 8192, "model_type": "nezha", "hidden_act": "gelu"}
    config["use_relative_position"] = True
    assert family_for(config) is NEZHA
    large = Nezha(NezhaConfig.from_dict(config)).eval().requires_grad_(False)
    randomise(large, seed=9)
    save_model(tmp_path / "nezha", large, config, TOKENIZER, storage="fp32")
    loaded = load_model(find_directory(str(tmp_path / "nezha")), "nezha")
    ids, lengths = read_together(TEXTS)
    assert torch.equal(loaded.network.encode(ids, lengths), large.encode(ids, lengths))


def test_tensors_that_transformers_4_stores_beside_are_left_and_others_are_not(tmp_path: Path) -> None:
    """As `sijunhe/nezha-*`: tables of distances, and the heads of its pre-training."""
    folder = tmp_path / "nezha"
    config = SIZES | {"vocab_size": 8192, "model_type": "nezha", "use_relative_position": True}
    large = Nezha(NezhaConfig.from_dict(config)).eval().requires_grad_(False)
    randomise(large, seed=9)
    save_model(folder, large, config, TOKENIZER, storage="fp32")
    beside = {
        f"nezha.encoder.layer.{layer}.attention.self.relative_positions_encoding.positions_encoding"
        for layer in range(SIZES["num_hidden_layers"])
    }
    beside |= {"nezha.embeddings.token_type_ids", "nezha.pooler.dense.weight", "nezha.pooler.dense.bias"}
    beside |= {"cls.seq_relationship.weight", "cls.seq_relationship.bias"}
    tied = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    file = folder / "model.safetensors"
    tensors = load_file(file) | {name: torch.ones(1, 2) for name in beside | tied}
    save_file(tensors, file)
    loaded = load_model(find_directory(str(folder)), "nezha")
    ids, lengths = read_together(TEXTS)
    assert torch.equal(loaded.network.encode(ids, lengths), large.encode(ids, lengths))
    tensors_found = [one for one in check_model(str(folder)) if one.step == "tensors"]
    assert [set(one.facts["unused"]) for one in tensors_found] == [beside, beside]
    save_file(tensors | {"nezha.encoder.layer.0.gate": torch.ones(2)}, file)
    with pytest.raises(ModelError, match=r"has a tensor nezha\.encoder\.layer\.0\.gate that such a model"):
        load_model(find_directory(str(folder)), "nezha")


@pytest.mark.skipif(int8_problem() is not None, reason=str(int8_problem()))
def test_it_multiplies_in_int8(network: Nezha) -> None:
    packed = made()
    set_precision(packed, "int8")
    ids, lengths = read_together(TEXTS)
    found, wanted = (one.logits(one.encode(ids, lengths)) for one in (packed, network))
    assert 0 < float((found - wanted).abs().max()) < 0.1 * float(wanted.abs().max())
