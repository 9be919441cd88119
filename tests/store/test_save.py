"""A network that was saved is the network that is loaded."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from textgen.errors import ModelError, TextgenError, UsageError
from textgen.models.families.unilm import UniLM
from textgen.resources import models_dir
from textgen.store.catalog import embedded_names, find_model, read_metadata
from textgen.store.load import LoadedModel, load_model
from textgen.store.save import save_model
from textgen.store.weights import read_weights

Maker = Callable[..., Any]
TOKENIZER = models_dir() / "tokenizer" / "zh8k.model"
KINDS = embedded_names()


def load(path: Path) -> LoadedModel:
    return load_model(find_model(str(path)))


def refusal(directory: Path, network: nn.Module, config: dict[str, Any], **given: Any) -> TextgenError:
    with pytest.raises(TextgenError) as caught:
        save_model(directory, network, config, given.pop("tokenizer", TOKENIZER), **given)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_fp32_gives_the_same_network_back(make_folder: Maker, tmp_path: Path, kind: str) -> None:
    folder = make_folder(kind)
    first = load(folder.path)
    save_model(tmp_path / "far" / "saved", first.network, folder.config, TOKENIZER, storage="fp32")
    again = load(tmp_path / "far" / "saved")
    assert again.files.kind == kind
    assert type(again.network) is type(first.network)
    ours, theirs = again.network.state_dict(), first.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    assert again.tokenizer.encode("今天很好。") == first.tokenizer.encode("今天很好。")
    if isinstance(again.network, UniLM):
        assert again.network.target_types == {7: 1, 8: 2}


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_and_their_names(make_folder: Maker, tmp_path: Path, kind: str) -> None:
    folder = make_folder(kind)
    save_model(tmp_path / "saved", load(folder.path).network, folder.config, TOKENIZER)
    names = sorted(path.name for path in (tmp_path / "saved").iterdir())
    assert names == ["config.json", "model.safetensors", "tokenizer.model"]
    assert read_weights(tmp_path / "saved" / "model.safetensors").keys() == folder.tensors.keys()
    assert read_metadata(tmp_path / "saved" / "model.safetensors") == {
        "format": "pt",
        "storage": "fp16",
        "kind": kind,
    }
    text = (tmp_path / "saved" / "config.json").read_text(encoding="utf-8")
    assert text == json.dumps(folder.config, indent=2, sort_keys=True) + "\n"
    assert (tmp_path / "saved" / "tokenizer.model").read_bytes() == TOKENIZER.read_bytes()


@pytest.mark.parametrize(("storage", "step"), [("fp16", 2**-11), ("int8", 1 / 254)])
def test_less_room_is_nearly_the_same_network(
    make_folder: Maker, tmp_path: Path, storage: str, step: float
) -> None:
    folder = make_folder("title")
    save_model(tmp_path / "saved", load(folder.path).network, folder.config, TOKENIZER, storage=storage)
    found = load(tmp_path / "saved").network.state_dict()
    for name, tensor in load(folder.path).network.state_dict().items():
        assert float((found[name] - tensor).abs().max()) <= step * float(tensor.abs().max()) * 1.1, name
    assert not all(
        torch.equal(found[name], tensor) for name, tensor in folder.tensors.items() if name in found
    )


def test_another_network_keeps_its_names(tmp_path: Path) -> None:
    network = nn.ModuleDict({"network": nn.Linear(3, 2), "prior": nn.Linear(2, 2)})
    save_model(tmp_path, network, {"model_type": "other", "名": "别的"}, TOKENIZER, storage="fp32")
    found = read_weights(tmp_path / "model.safetensors")
    assert sorted(found) == ["network.bias", "network.weight", "prior.bias", "prior.weight"]
    files = find_model(str(tmp_path))
    assert (files.kind, files.config["名"]) == ("other", "别的")


def test_a_model_takes_the_place_of_another(make_folder: Maker, tmp_path: Path) -> None:
    folder = make_folder("title")
    save_model(tmp_path / "saved", load(folder.path).network, folder.config, TOKENIZER, storage="fp32")
    # what `models export` once wrote there would be loaded over the prior that is saved now
    save_file({"prior.a": torch.zeros(8192)}, tmp_path / "saved" / "prior.safetensors")
    network = load(folder.path).network
    own = tmp_path / "saved" / "tokenizer.model"
    save_model(tmp_path / "saved", network, folder.config, own, storage="fp32")
    assert isinstance(network, UniLM)
    found = load(tmp_path / "saved").network
    assert isinstance(found, UniLM)
    assert torch.equal(found.prior.a, network.prior.a)
    assert own.read_bytes() == TOKENIZER.read_bytes()


def test_a_config_that_does_not_say_what_the_network_is(make_folder: Maker, tmp_path: Path) -> None:
    folder, saved = make_folder("title"), tmp_path / "saved"
    network, config = load(folder.path).network, folder.config
    for key, word in (
        ("model_type", "names no model_type"),
        ("target_types", "is of a bert model, which is no UniLM"),
    ):
        error = refusal(saved, network, {name: value for name, value in config.items() if name != key})
        assert type(error) is ModelError
        assert word in error.message
    assert not saved.exists()


def test_nothing_is_written_of_what_cannot_be_stored(make_folder: Maker, tmp_path: Path) -> None:
    folder = make_folder("gpt2")
    network = load(folder.path).network
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    network.state_dict()["transformer.ln_f.bias"][3] = torch.nan
    changed = folder.config | {"n_head": 2}
    error = refusal(folder.path, network, changed)
    assert error.message == "transformer.ln_f.bias has values that are not finite"
    network.state_dict()["transformer.ln_f.bias"][3] = 0
    assert type(refusal(folder.path, network, changed, storage="fp8")) is UsageError
    absent = tmp_path / "absent.model"
    error = refusal(folder.path, network, changed, tokenizer=absent)
    assert error.message == f"cannot read the tokenizer {absent}: No such file or directory"
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_directory_that_cannot_be_made(make_folder: Maker, tmp_path: Path, below: str) -> None:
    folder = make_folder("gpt2")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    directory = tmp_path / "file" / below
    error = refusal(directory, load(folder.path).network, folder.config)
    assert type(error) is TextgenError
    assert error.message.startswith(f"cannot write {directory}: ")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_disk_that_becomes_full_leaves_the_old_weights(make_folder: Maker) -> None:
    folder = make_folder("gpt2")
    network, weights = load(folder.path).network, folder.path / "model.safetensors"
    before, names = weights.read_bytes(), sorted(path.name for path in folder.path.iterdir())
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limit[1]))  # the tokenizer fits, the weights do not
    try:
        error = refusal(folder.path, network, folder.config | {"note": "new"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert error.message == f"cannot write {weights}: File too large"
    assert weights.read_bytes() == before
    assert sorted(path.name for path in folder.path.iterdir()) == names
    assert json.loads((folder.path / "config.json").read_text(encoding="utf-8"))["note"] == "new"
