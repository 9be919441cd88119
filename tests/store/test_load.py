"""A model from its files, and what is said when they do not fit each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from textgen.errors import ModelError
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.families.unilm import UniLM
from textgen.models.layers.int8 import Int8Product, int8_problem
from textgen.models.layers.linear import Conv1D, Linear
from textgen.models.layers.rows import Rows
from textgen.models.precision import PRODUCTS, set_precision
from textgen.store.catalog import embedded_names, find_model
from textgen.store.load import LoadedModel, load_model
from textgen.store.weights import read_stored

Maker = Callable[..., Any]
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def load(folder: Any) -> LoadedModel:
    return load_model(find_model(str(folder.path)))


def refusal(folder: Any) -> ModelError:
    """What loading says; writes the folder's changed config and tensors first."""
    folder.write()
    files = find_model(str(folder.path))
    with pytest.raises(ModelError) as caught:
        load_model(files)
    error = caught.value
    assert "\n" not in error.message
    assert error.hint
    assert error.exit_code == 1
    return error


@pytest.mark.parametrize(("kind", "network"), [("gpt2", Gpt2), ("bert", Bert), ("title", UniLM)])
def test_a_directory_is_loaded_as_its_kind(make_folder: Maker, kind: str, network: type) -> None:
    folder = make_folder(kind)
    model = load(folder)
    assert type(model.network) is network
    assert model.network.vocab_size == 8192
    assert not model.network.training
    parameters = dict(model.network.named_parameters())
    assert not any(parameter.requires_grad for parameter in parameters.values())
    assert {parameter.dtype for parameter in parameters.values()} == {torch.float32}
    found = {name.removeprefix("network."): tensor for name, tensor in parameters.items()}
    assert found.keys() == folder.tensors.keys()
    for name, tensor in folder.tensors.items():
        assert torch.equal(found[name], tensor), name


def test_the_label_names_folder_and_weights(make_folder: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder("gpt2", name="mine")
    label = load(folder).label
    assert label.startswith("mine@sha256:")
    assert len(label) == len("mine@sha256:") + 12
    monkeypatch.chdir(folder.path)
    assert load_model(find_model(".")).label == label
    folder.tensors["transformer.ln_f.bias"] += 1
    folder.write()
    assert load(folder).label != label


def test_embedded_models_are_labelled_by_name(
    title_model: LoadedModel, gpt2_model: LoadedModel, bert_model: LoadedModel
) -> None:
    for name, model in (("title", title_model), ("gpt2", gpt2_model), ("bert", bert_model)):
        assert model.label.startswith(f"{name}@sha256:")
        assert len(model.tokenizer.vocabulary) == 8185
        assert model.network.vocab_size == 8192
    assert isinstance(title_model.network, UniLM)
    assert title_model.network.target_types == {7: 1, 8: 1}


def test_target_types_of_the_config_are_obeyed(make_folder: Maker) -> None:
    folder = make_folder("title")
    network = load(folder).network
    assert isinstance(network, UniLM)
    assert network.target_types == {7: 1, 8: 2}
    folder.config["target_types"] = {"r2l": 2}  # what is not said is 1
    folder.write()
    network = load(folder).network
    assert isinstance(network, UniLM)
    assert network.target_types == {7: 1, 8: 2}


def test_tied_tensors_in_a_file_are_passed_over(make_folder: Maker) -> None:
    for kind, tied in (
        ("gpt2", ["lm_head.weight"]),
        ("bert", ["cls.predictions.decoder.weight", "cls.predictions.decoder.bias"]),
    ):
        folder = make_folder(kind, name=kind)
        for name in tied:
            folder.tensors[name] = torch.zeros(8192, 32)
        folder.write()
        assert set(load(folder).network.state_dict()) == set(folder.tensors) - set(tied)


def test_the_prior_may_lie_in_a_file_of_its_own(make_folder: Maker) -> None:
    folder = make_folder("title")
    prior = {name: folder.tensors.pop(name) for name in ("prior.a", "prior.t")}
    folder.write()
    save_file(prior, folder.path / "prior.safetensors")
    network = load(folder).network
    assert isinstance(network, UniLM)
    assert torch.equal(network.prior.a, prior["prior.a"])
    assert torch.equal(network.prior.t, prior["prior.t"])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gpt2", "transformer.h.1.attn.c_attn.weight"),
        ("bert", QUERY),
        ("title", "cls.predictions.bias"),
    ],
)
def test_a_missing_tensor(make_folder: Maker, kind: str, name: str) -> None:
    folder = make_folder(kind)
    del folder.tensors[name]
    error = refusal(folder)
    assert error.message == f"{folder.path} lacks the tensor {name}"
    assert error.hint == "does config.json belong to these weights?"


@pytest.mark.parametrize("name", ["a", "t"])
def test_a_title_model_without_its_prior(make_folder: Maker, name: str) -> None:
    folder = make_folder("title")
    del folder.tensors[f"prior.{name}"]
    assert f"lacks the tensor prior.{name}" in refusal(folder).message


@pytest.mark.parametrize("kind", embedded_names())
def test_an_extra_tensor(make_folder: Maker, kind: str) -> None:
    folder = make_folder(kind)
    folder.tensors["adapter.weight"] = torch.zeros(2)
    error = refusal(folder)
    assert error.message == f"{folder.path} has a tensor adapter.weight that such a model has no place for"
    assert error.hint == "does config.json belong to these weights?"


def test_more_layers_than_the_config_says(make_folder: Maker) -> None:
    folder = make_folder("bert")
    folder.config["num_hidden_layers"] = 1
    assert "has a tensor bert.encoder.layer.1." in refusal(folder).message


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gpt2", "transformer.wpe.weight"),
        ("bert", QUERY),
        ("title", "cls.predictions.transform.dense.bias"),
    ],
)
def test_a_wrong_shape(make_folder: Maker, kind: str, name: str) -> None:
    folder = make_folder(kind)
    shape = tuple(folder.tensors[name].shape)
    folder.tensors[name] = torch.zeros(shape[0] + 1, *shape[1:])
    error = refusal(folder)
    wrong = (shape[0] + 1, *shape[1:])
    assert error.message == f"{folder.path} has {name} {wrong}, config.json says {shape}"
    assert error.hint == "does config.json belong to these weights?"


def test_a_prior_of_another_vocabulary(make_folder: Maker) -> None:
    folder = make_folder("title")
    folder.tensors["prior.a"] = torch.zeros(8191)
    error = refusal(folder)
    assert error.message == f"{folder.path} has prior.a (8191,), config.json says (8192,)"


@pytest.mark.parametrize(
    ("kind", "key"), [("gpt2", "n_embd"), ("bert", "layer_norm_eps"), ("title", "type_vocab_size")]
)
def test_a_config_lacking_a_size(make_folder: Maker, kind: str, key: str) -> None:
    folder = make_folder(kind)
    del folder.config[key]
    error = refusal(folder)
    assert error.message == f"{folder.path}/config.json: {key} is missing"
    assert error.hint == "is it whole, and does it belong to these weights?"


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("gpt2", "n_embd", "32"),
        ("gpt2", "n_head", 5),
        ("gpt2", "n_head", 0),
        ("gpt2", "n_layer", None),
        ("bert", "hidden_size", -32),
        ("bert", "num_attention_heads", 3),
        ("bert", "layer_norm_eps", "tiny"),
        ("title", "vocab_size", 8192.5),
        ("title", "target_types", "l2r"),
        ("title", "target_types", {"l2r": 1, "r2l": 3}),
        ("title", "target_types", {"l2r": "one"}),
    ],
)
def test_a_config_with_a_size_that_cannot_be(make_folder: Maker, kind: str, key: str, value: Any) -> None:
    folder = make_folder(kind)
    folder.config[key] = value
    error = refusal(folder)
    assert error.message.startswith(f"{folder.path}/config.json: ")
    assert key in error.message


def test_a_tokenizer_larger_than_the_model(make_folder: Maker) -> None:
    folder = make_folder("gpt2")
    folder.config["vocab_size"] = 8000
    folder.tensors["transformer.wte.weight"] = folder.tensors["transformer.wte.weight"][:8000].clone()
    error = refusal(folder)
    assert error.message == f"{folder.path}: the tokenizer has 8185 tokens, the model 8000"
    assert error.hint == "is it the tokenizer the model was trained with?"


def test_weights_and_tokenizer_that_are_broken(make_folder: Maker) -> None:
    folder = make_folder("gpt2")
    weights = folder.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=f"^cannot read {weights}: ") as caught:
        load(folder)
    assert "\n" not in caught.value.message
    folder.write()
    tokenizer = folder.path / "tokenizer.model"
    tokenizer.write_bytes(tokenizer.read_bytes()[:1000])
    with pytest.raises(ModelError, match=f"^cannot read the tokenizer {tokenizer}: ") as caught:
        load(folder)
    assert "\n" not in caught.value.message


def test_a_config_that_asks_for_another_computation_is_refused():
    files = find_model("bert")
    other = dataclasses.replace(files, config=files.config | {"hidden_act": "relu"})
    with pytest.raises(ModelError, match="hidden_act 'relu' is not supported"):
        load_model(other)


@pytest.mark.skipif(int8_problem() is not None, reason=str(int8_problem()))
@pytest.mark.parametrize("name", ["title", "bert", "gpt2"])
def test_in_int8_the_stored_rows_are_multiplied_and_no_other(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """But for the matrices of gpt2, whose rows are inputs."""
    files = find_model(name, "int8")
    stored, found = read_stored(files.weights), []

    class Seen(Int8Product):
        def __init__(self, weight: Any, *args: Any) -> None:
            super().__init__(weight, *args)
            found.append(weight)

    monkeypatch.setitem(PRODUCTS, "int8", Seen)
    network = load_model(files).network
    rows = [weight for weight in found if isinstance(weight, Rows)]
    assert len(rows) == (1 if name == "gpt2" else len(found))
    heads = [
        tensor for key, tensor in stored.items() if key.endswith(("word_embeddings.weight", "wte.weight"))
    ]
    assert [torch.equal(rows[0].numbers, head.numbers) for head in heads] == [True]
    assert torch.equal(network.embedding.weight, heads[0].dense())
    weights = [layer.weight for layer in network.modules() if isinstance(layer, Linear | Conv1D)]
    assert weights
    assert set(weights) == {None}


@pytest.mark.skipif(int8_problem() is not None, reason=str(int8_problem()))
def test_the_network_of_stored_rows_computes_what_that_of_float32_rounded_again_does(
    bert_model: LoadedModel,
) -> None:
    again = load_model(replace(bert_model.files, precision="fp32")).network
    set_precision(again, "int8")
    stored = load_model(replace(bert_model.files, precision="int8")).network
    ids = torch.tensor([bert_model.tokenizer.encode("春天来了，公园里的花都开了。")])
    with torch.inference_mode():
        found, expected = (
            net.logits(net.encode(ids, torch.tensor([ids.shape[1]]))) for net in (stored, again)
        )
    assert float((found - expected).abs().max()) < 0.05 * float(expected.std())
