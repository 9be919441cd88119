"""Files of PyTorch: tensors alone are read, and what a model of transformers says stays."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign import logits, random_network, write_json, write_vocabulary
from refusals import refusal
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from textgen.errors import ModelError
from textgen.store.convert.conversion import convert_model
from textgen.store.weights import read_weights


def folder_of(network: Any, folder: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    write_vocabulary(folder)
    (folder / "vocab.txt").unlink()  # these configs have another size
    network.config.save_pretrained(folder)
    torch.save(network.state_dict() if tensors is None else tensors, folder / "pytorch_model.bin")
    return folder


@pytest.mark.parametrize(("kind", "auto"), [("gpt2", AutoModelForCausalLM), ("bert", AutoModelForMaskedLM)])
def test_transformers_computes_the_same(tmp_path: Path, kind: str, auto: Any) -> None:
    network = random_network(kind)
    done = convert_model(folder_of(network, tmp_path / "bin"), tmp_path / "out")
    assert (done.kind, done.left_out) == (kind, [])
    again, info = auto.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert {key: list(value) for key, value in info.items() if value} == {}
    assert torch.equal(logits(again.eval()), logits(network))


def test_what_is_tied_is_written_once(tmp_path: Path) -> None:
    network: Any = random_network("gpt2")
    assert "lm_head.weight" in network.state_dict()
    convert_model(folder_of(network, tmp_path / "bin"), tmp_path / "out")
    written = read_weights(tmp_path / "out" / "model.safetensors")
    assert written.keys() == network.state_dict().keys() - {"lm_head.weight"}


def test_what_is_not_tied_is_written_twice(tmp_path: Path) -> None:
    network: Any = random_network("gpt2")
    network.config.tie_word_embeddings = False
    convert_model(folder_of(network, tmp_path / "bin"), tmp_path / "out")
    written = read_weights(tmp_path / "out" / "model.safetensors")
    assert torch.equal(written["lm_head.weight"], written["transformer.wte.weight"])


def test_other_tensors_that_share_memory_are_copied(tmp_path: Path) -> None:
    whole = torch.arange(12.0).view(3, 4)
    tensors = {"a": whole, "b": whole[1:], "c": whole.t(), "d": torch.tensor(3)}
    (tmp_path / "bin").mkdir()
    write_json(tmp_path / "bin" / "config.json", {"model_type": "other"})
    torch.save(tensors, tmp_path / "bin" / "pytorch_model.bin")
    convert_model(tmp_path / "bin", tmp_path / "out")
    written = read_weights(tmp_path / "out" / "model.safetensors")
    assert {name: tensor.tolist() for name, tensor in written.items()} == {
        name: tensor.tolist() for name, tensor in tensors.items()
    }


def test_old_names_and_buffers(tmp_path: Path) -> None:
    network = random_network("bert")
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        tensors[old] = tensor
    tensors["bert.embeddings.position_ids"] = torch.arange(16)[None]
    done = convert_model(folder_of(network, tmp_path / "bin", tensors), tmp_path / "out")
    assert done.left_out == ["bert.embeddings.position_ids"]
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    assert torch.equal(logits(again.eval()), logits(network))


def test_gpt2_loses_its_masks_and_keeps_its_biases(tmp_path: Path) -> None:
    network = random_network("gpt2")
    tensors = dict(network.state_dict())
    masks = {f"transformer.h.{layer}.attn.bias": torch.ones(1, 1, 16, 16) for layer in range(2)}
    done = convert_model(folder_of(network, tmp_path / "bin", {**tensors, **masks}), tmp_path / "out")
    assert done.left_out == list(masks)
    assert "transformer.h.0.attn.c_attn.bias" in read_weights(tmp_path / "out" / "model.safetensors")


def shards(network: Any, folder: Path) -> Path:
    folder_of(network, folder)
    (folder / "pytorch_model.bin").unlink()
    tensors = list(network.state_dict().items())
    places = {}
    for number, part in enumerate((tensors[::2], tensors[1::2]), 1):
        file = f"pytorch_model-{number:05}-of-00002.bin"
        torch.save(dict(part), folder / file)
        places |= {name: file for name, _ in part}
    write_json(folder / "pytorch_model.bin.index.json", {"metadata": {}, "weight_map": places})
    return folder


def test_shards_are_put_together(tmp_path: Path) -> None:
    network = random_network("bert")
    convert_model(shards(network, tmp_path / "bin"), tmp_path / "out")
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    assert torch.equal(logits(again.eval()), logits(network))
    assert (tmp_path / "out" / "CARD.md").read_text(encoding="utf-8").count("sha256") == 2


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = shards(random_network("bert"), tmp_path / "bin")
    missing = folder / "pytorch_model-00002-of-00002.bin"
    missing.unlink()
    assert refusal(lambda: convert_model(folder, tmp_path / "out")).message == f"there is no {missing}"


def test_shards_lie_beside_their_index(tmp_path: Path) -> None:
    folder = shards(random_network("bert"), tmp_path / "bin")
    index = folder / "pytorch_model.bin.index.json"
    write_json(index, {"weight_map": {"a": "../bin/pytorch_model-00001-of-00002.bin"}})
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert error.message == f"cannot read {index}: a shard lies elsewhere"


class Program:
    """What a malicious file would have run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("old", [False, True])
def test_no_program_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "pytorch_model.bin"
    torch.save({"a": Program()}, file, _use_new_zipfile_serialization=not old)
    error = refusal(lambda: convert_model(file, tmp_path / "out"))
    assert (type(error), error.message) == (ModelError, f"{file} holds more than tensors")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("old", [False, True])
def test_files_of_old_versions_are_read(tmp_path: Path, old: bool) -> None:
    network = random_network("bert")
    folder = folder_of(network, tmp_path / "bin")
    kept = {"state_dict": network.state_dict(), "epoch": 3}
    torch.save(kept, folder / "pytorch_model.bin", _use_new_zipfile_serialization=not old)
    convert_model(folder, tmp_path / "out")
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    assert torch.equal(logits(again.eval()), logits(network))


def test_names_need_not_be_utf8(tmp_path: Path) -> None:
    network = random_network("bert")
    folder = tmp_path / os.fsdecode(b"\xfe")
    convert_model(folder_of(network, folder), tmp_path / "out")
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    assert torch.equal(logits(again.eval()), logits(network))


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, size: int) -> None:
    folder = folder_of(random_network("bert"), tmp_path / "bin")
    file = folder / "pytorch_model.bin"
    file.write_bytes(file.read_bytes()[:size])
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert type(error) is ModelError
    assert error.message.startswith(f"cannot read {file}: ")


def test_other_contents_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "pytorch_model.bin"
    for content in ([torch.zeros(1)], {"a": 3}, {}):
        torch.save(content, file)
        error = refusal(lambda: convert_model(file, tmp_path / "out"))
        assert error.message == f"{file} is no mapping of names to tensors"


def test_nan_is_refused(tmp_path: Path) -> None:
    network = random_network("bert")
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tensors["cls.predictions.bias"][0] = torch.inf
    error = refusal(lambda: convert_model(folder_of(network, tmp_path / "bin", tensors), tmp_path / "out"))
    assert error.message == "cls.predictions.bias has values that are not finite"


def test_what_safetensors_cannot_hold_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    write_json(folder / "config.json", {"model_type": "other"})
    torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, folder / "pytorch_model.bin")
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert error.message == "a is complex64, which is not stored"


def test_it_needs_its_config(tmp_path: Path) -> None:
    folder = folder_of(random_network("bert"), tmp_path / "bin")
    config = folder / "config.json"
    write_json(
        config, {key: value for key, value in json.loads(config.read_bytes()).items() if key != "model_type"}
    )
    assert (
        refusal(lambda: convert_model(folder, tmp_path / "out")).message == "the config names no model_type"
    )
    config.unlink()
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert error.message == f"cannot read {config}: No such file or directory"
