"""Checkpoints with Google's names compute in transformers what they did before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from bundles import write_bundle
from foreign import SIZES, WORDS, google_names, logits, random_network, write_json, write_vocabulary
from refusals import refusal
from torch import Tensor
from transformers import AutoModelForMaskedLM

from textgen.errors import ModelError, UsageError
from textgen.store.catalog import read_metadata
from textgen.store.convert.conversion import convert_model
from textgen.store.weights import read_weights

GIVEN = {**SIZES, "hidden_act": "gelu", "hidden_dropout_prob": 0.1}
POOLER = {
    "bert/pooler/dense/kernel": torch.zeros(12, 12),
    "bert/pooler/dense/bias": torch.zeros(12),
    "cls/seq_relationship/output_bias": torch.zeros(2),
}


def checkpoint(folder: Path, tensors: dict[str, Tensor], given: dict[str, Any] | None = None) -> Path:
    write_vocabulary(folder)
    write_json(folder / "bert_config.json", GIVEN if given is None else given)
    write_bundle(folder / "bert_model.ckpt", tensors)
    return folder


def slots(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {
        f"{name}/{slot}": tensor * 3 for name, tensor in tensors.items() for slot in ("adam_m", "adam_v")
    }
    return {**found, "global_step": torch.tensor(7, dtype=torch.int64)}


@pytest.mark.parametrize(
    ("kind", "given", "architecture"),
    [
        ("bert", GIVEN, "BertForMaskedLM"),
        ("electra", {**GIVEN, "embedding_size": 8}, "ElectraForMaskedLM"),
        ("roformer", {**GIVEN, "embedding_size": 8, "model_type": "roformer"}, "RoFormerForMaskedLM"),
    ],
)
def test_transformers_computes_the_same(
    tmp_path: Path, kind: str, given: dict[str, Any], architecture: str
) -> None:
    network = random_network(kind)
    tensors = google_names(network)
    source = checkpoint(tmp_path / "tf", {**tensors, **POOLER, **slots(tensors)}, given)
    done = convert_model(source, tmp_path / "out")
    assert done.left_out == sorted(POOLER)
    again, info = AutoModelForMaskedLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert {key: list(value) for key, value in info.items() if value} == {}
    assert type(again).__name__ == architecture
    torch.testing.assert_close(logits(again.eval()), logits(network), atol=1e-6, rtol=0.0)
    assert read_metadata(tmp_path / "out" / "model.safetensors") == {"format": "pt"}
    assert (tmp_path / "out" / "vocab.txt").read_text(encoding="utf-8").split() == WORDS


def test_double_precision_becomes_single(tmp_path: Path) -> None:
    network = random_network("bert")
    tensors = google_names(network)
    words = "bert/embeddings/word_embeddings"
    source = checkpoint(tmp_path / "tf", tensors | {words: tensors[words].double()})
    convert_model(source, tmp_path / "out")
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
    torch.testing.assert_close(logits(again.eval()), logits(network), atol=1e-6, rtol=0.0)


def without_positions(**given: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = google_names(random_network("bert"))
    del tensors["bert/embeddings/position_embeddings"]
    return tensors, GIVEN | given


def test_a_nezha_has_the_names_of_transformers_4(tmp_path: Path) -> None:
    tensors, given = without_positions(use_relative_position=True)
    done = convert_model(checkpoint(tmp_path / "tf", tensors, given), tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert (done.kind, config["model_type"], config["max_relative_position"]) == ("nezha", "nezha", 64)
    assert config["architectures"] == ["NezhaForMaskedLM"]
    written = read_weights(tmp_path / "out" / "model.safetensors")
    assert len(written) == len(tensors)
    assert torch.equal(
        written["nezha.encoder.layer.1.intermediate.dense.weight"],
        tensors["bert/encoder/layer_1/intermediate/dense/kernel"].t(),
    )
    assert "nezha.embeddings.position_embeddings.weight" not in written


def test_what_names_cannot_tell_has_to_be_said(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "tf", *without_positions())
    error = refusal(lambda: convert_model(source, tmp_path / "out"))
    assert (type(error), error.message) == (
        UsageError,
        "without position embeddings it is a RoFormer or a NEZHA",
    )
    assert error.hint == "kind says it: one of roformer, roformer-sim, nezha"
    assert convert_model(source, tmp_path / "out", kind="nezha").kind == "nezha"
    error = refusal(lambda: convert_model(source, tmp_path / "new", kind="simbert"))
    assert error.message == "kind simbert cannot be: the checkpoint has no position embeddings"


@pytest.mark.parametrize(("kind", "embedded"), [("simbert", 12), ("roformer-sim", 12)])
def test_those_that_write_similar_sentences_say_so(tmp_path: Path, kind: str, embedded: int) -> None:
    tensors = google_names(random_network("bert"))
    if kind == "roformer-sim":
        tensors, _ = without_positions()
    convert_model(checkpoint(tmp_path / "tf", tensors), tmp_path / "out", kind=kind)
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert (config["model_type"], config["embedding_size"]) == (kind, embedded)
    assert "architectures" not in config  # transformers has none


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_hidden_layers": 3}, "the config says num_hidden_layers 3, the checkpoint has 2"),
        ({"vocab_size": 21128}, "the config says vocab_size 21128, the checkpoint has 20"),
        ({"num_attention_heads": 5}, "5 heads do not divide 12"),
        ({"num_attention_heads": "3"}, "heads cannot be '3'"),
    ],
)
def test_a_config_of_another_model_is_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    source = checkpoint(tmp_path / "tf", google_names(random_network("bert")), GIVEN | given)
    error = refusal(lambda: convert_model(source, tmp_path / "out"))
    assert type(error) is ModelError
    assert error.message.endswith(message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("cls/predictions/output_bias", "no head that predicts words"),
        (
            "bert/encoder/layer_0/output/dense/kernel",
            "the checkpoint lacks bert/encoder/layer_0/output/dense/kernel",
        ),
    ],
)
def test_a_checkpoint_that_lacks_something_is_refused(tmp_path: Path, gone: str, message: str) -> None:
    tensors = google_names(random_network("bert"))
    del tensors[gone]
    error = refusal(lambda: convert_model(checkpoint(tmp_path / "tf", tensors), tmp_path / "out"))
    assert type(error) is ModelError
    assert message in error.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bert/embeddings/word_embeddings", "the checkpoint has bert/embeddings/word_embeddings (3,)"),
        ("bert/encoder/layer_0/output/dense/kernel", "the checkpoint has bert/encoder/layer_0/output"),
    ],
)
def test_other_shapes_are_refused(tmp_path: Path, name: str, message: str) -> None:
    tensors = google_names(random_network("bert")) | {name: torch.zeros(3)}
    error = refusal(lambda: convert_model(checkpoint(tmp_path / "tf", tensors), tmp_path / "out"))
    assert type(error) is ModelError
    assert error.message.startswith(message)


def test_a_network_without_such_layers_is_refused(tmp_path: Path) -> None:
    tensors = {
        name: tensor for name, tensor in google_names(random_network("bert")).items() if "layer_" not in name
    }
    error = refusal(lambda: convert_model(checkpoint(tmp_path / "tf", tensors), tmp_path / "out"))
    assert error.message.startswith(
        "the checkpoint lacks bert/encoder/layer_0/attention/self/query/kernel and "
    )


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    tensors = google_names(random_network("bert"))
    tensors["bert/embeddings/LayerNorm/beta"][3] = torch.nan
    source = checkpoint(tmp_path / "tf", tensors)
    error = refusal(lambda: convert_model(source, tmp_path / "out"))
    assert error.message == "bert.embeddings.LayerNorm.bias has values that are not finite"
    assert [path.name for path in tmp_path.iterdir()] == ["tf"]  # no draft is left
