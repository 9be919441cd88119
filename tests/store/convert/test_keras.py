"""Weights that bert4keras saved as HDF5."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from bundles import write_bundle
from foreign import (
    GROVER,
    GROVER_LAYERS,
    SIZES,
    google_names,
    grover_tensors,
    logits,
    random_network,
    write_json,
    write_vocabulary,
)
from refusals import refusal
from torch import Tensor
from transformers import AutoModelForMaskedLM

from textgen.errors import ModelError, TextgenError
from textgen.store.convert.conversion import convert_model
from textgen.store.weights import read_weights

DENSE, NORM = ("kernel", "bias"), ("beta", "gamma")


def both(begin: str, ends: tuple[str, ...]) -> list[str]:
    return [f"{begin}/{end}" for end in ends]


def bert_layers(count: int) -> dict[str, list[str]]:
    """The layers of bert4keras, and the names of their tensors in a checkpoint, in the layers' order."""
    embeddings, head = "bert/embeddings", "cls/predictions"
    layers = {
        "Input-Token": [],
        "Embedding-Token": [f"{embeddings}/word_embeddings"],
        "Embedding-Segment": [f"{embeddings}/token_type_embeddings"],
        "Embedding-Position": [f"{embeddings}/position_embeddings"],
        "Embedding-Norm": both(f"{embeddings}/LayerNorm", NORM),
    }
    for number in range(count):
        begin, layer = f"bert/encoder/layer_{number}", f"Transformer-{number}"
        parts = [f"{begin}/attention/self/{part}" for part in ("query", "key", "value")]
        parts.append(f"{begin}/attention/output/dense")
        layers |= {
            f"{layer}-MultiHeadSelfAttention": [name for part in parts for name in both(part, DENSE)],
            f"{layer}-MultiHeadSelfAttention-Norm": both(f"{begin}/attention/output/LayerNorm", NORM),
            f"{layer}-FeedForward": [
                *both(f"{begin}/intermediate/dense", DENSE),
                *both(f"{begin}/output/dense", DENSE),
            ],
            f"{layer}-FeedForward-Norm": both(f"{begin}/output/LayerNorm", NORM),
        }
    return layers | {
        "MLM-Dense": both(f"{head}/transform/dense", DENSE),
        "MLM-Norm": both(f"{head}/transform/LayerNorm", NORM),
        "MLM-Bias": [f"{head}/output_bias"],
    }


def grover_layers() -> dict[str, list[str]]:
    layers = {
        "Embedding-Token": ["newslm/embeddings/word_embed"],
        "Embedding-Position": ["newslm/embeddings/pos_embed"],
        "Embedding-Norm": both("newslm/embeddings/LayerNorm_embed_norm", NORM),
    }
    for number in range(GROVER_LAYERS):
        begin, layer = f"newslm/layer{number:02}", f"Transformer-{number}"
        parts = [f"{begin}/{part}_layer" for part in ("query", "key", "value", "context_projection")]
        layers |= {
            f"{layer}-MultiHeadSelfAttention": [name for part in parts for name in both(part, DENSE)],
            f"{layer}-FeedForward-Norm-0": both(f"{begin}/LayerNorm_mlp_ln0", NORM),
            f"{layer}-FeedForward": [*both(f"{begin}/intermediate", DENSE), *both(f"{begin}/output", DENSE)],
            f"{layer}-FeedForward-Norm-1": both(f"{begin}/LayerNorm_mlp_ln1", NORM),
        }
    return layers


def write_weights(path: Path, layers: dict[str, list[str]], tensors: dict[str, Tensor]) -> Path:
    """As Keras writes them: a group a layer, in which a tensor's name begins with that of the layer again."""
    h5py = pytest.importorskip("h5py")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, names in layers.items():
            group = file.create_group(layer)
            listed = []
            for number, name in enumerate(names):
                end = name.rpartition("/")[2]
                end = end if end in (*DENSE, *NORM) else "bias" if layer == "MLM-Bias" else "embeddings"
                listed.append(
                    f"{layer}/dense_{number // 2}/{end}:0" if len(names) > 2 else f"{layer}/{end}:0"
                )
                group.create_dataset(listed[-1], data=tensors[name].numpy())
            group.attrs["weight_names"] = [name.encode() for name in listed]
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_vocabulary(tmp_path / "keras")
    write_json(tmp_path / "keras" / "bert_config.json", SIZES)
    return tmp_path / "keras"


def test_bert(folder: Path, tmp_path: Path) -> None:
    network = random_network("bert")
    write_weights(folder / "best_model.weights", bert_layers(2), google_names(network))
    done = convert_model(folder, tmp_path / "out")
    assert (done.kind, done.left_out) == ("bert", [])
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(logits(again.eval()), logits(network), atol=1e-6, rtol=0.0)


def test_gpt2_ml(tmp_path: Path) -> None:
    for name in ("keras", "tf"):
        write_json(tmp_path / name / "config.json", GROVER)
    write_weights(tmp_path / "keras" / "model.h5", grover_layers(), grover_tensors())
    write_bundle(tmp_path / "tf" / "model.ckpt", grover_tensors())
    written = []
    for name in ("keras", "tf"):
        convert_model(tmp_path / name, tmp_path / f"{name}-out")
        written.append(read_weights(tmp_path / f"{name}-out" / "model.safetensors"))
    assert written[0].keys() == written[1].keys()
    assert all(torch.equal(tensor, written[1][name]) for name, tensor in written[0].items())


def test_layers_of_another_order_are_refused(folder: Path, tmp_path: Path) -> None:
    layers = bert_layers(2)
    layers["MLM-Norm"].reverse()
    file = write_weights(folder / "best_model.weights", layers, google_names(random_network("bert")))
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert type(error) is ModelError
    assert error.message.startswith(f"{file}: MLM-Norm has other tensors: ")


def test_a_file_that_is_none_is_refused(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    file = folder / "best_model.weights"
    file.write_bytes(b"nothing")
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert type(error) is ModelError
    assert error.message.startswith(f"cannot read {file}: ")


def test_h5py_is_an_extra(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "best_model.weights").touch()
    missing: Any = None
    monkeypatch.setitem(sys.modules, "h5py", missing)
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert type(error) is TextgenError
    assert error.message == f"{folder / 'best_model.weights'} needs the package h5py"
    assert str(error.hint).startswith("pip install '.[convert]'")
