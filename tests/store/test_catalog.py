"""Which model a name means, and what is said when it means none."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refusals import no_model

from textgen.backends.registry import task_of
from textgen.errors import ModelError, UsageError
from textgen.resources import models_dir
from textgen.store.catalog import (
    embedded_names,
    find_model,
    fingerprint,
    read_metadata,
)
from textgen.store.load import load_model

pytestmark = pytest.mark.usefixtures("shelf")


def test_three_models_ship_with_the_package() -> None:
    assert embedded_names() == ["bert", "gpt2", "title"]


@pytest.mark.parametrize("name", embedded_names())
def test_an_embedded_name_is_its_own_kind(name: str) -> None:
    files = find_model(name)
    assert (files.name, files.kind, files.embedded) == (name, name, True)
    assert files.path == models_dir() / name
    assert files.weights == models_dir() / name / "model.safetensors"
    assert files.tokenizer == models_dir() / "tokenizer" / "zh8k.model"
    assert files.config == json.loads((models_dir() / name / "config.json").read_text(encoding="utf-8"))


def test_the_shipped_title_model_says_its_target_types() -> None:
    assert find_model("title").config["target_types"] == {"l2r": 1, "r2l": 1}


def test_an_embedded_name_wins_and_a_path_means_the_folder(
    workplace: Path, make_folder: Callable[..., Any]
) -> None:
    shutil.move(make_folder("gpt2").path, workplace / "bert")
    embedded = find_model("bert")
    assert (embedded.embedded, embedded.kind, embedded.path) == (True, "bert", models_dir() / "bert")
    for name in ("./bert", "bert/", str(workplace / "bert")):
        files = find_model(name)
        assert (files.name, files.embedded, files.kind) == (name, False, "gpt2")
        assert files.path.resolve() == workplace / "bert"
        assert files.tokenizer == workplace / "bert" / "tokenizer.model"


def test_a_relative_folder_of_another_name(workplace: Path, make_folder: Callable[..., Any]) -> None:
    shutil.move(make_folder("title").path, workplace / "mine")
    files = find_model("mine")
    assert (files.name, files.kind, files.embedded) == ("mine", "title", False)


def test_a_folder_in_the_home_directory(
    workplace: Path, make_folder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workplace))
    shutil.move(make_folder("bert").path, workplace / "mine")
    assert find_model("~/mine").path == workplace / "mine"


def test_a_bert_is_a_title_model_if_it_says_its_target_types(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("bert")
    assert find_model(str(folder.path)).kind == "bert"
    folder.config["target_types"] = {"l2r": 1, "r2l": 1}
    folder.write()
    assert find_model(str(folder.path)).kind == "title"


def test_the_tokenizer_may_lie_in_a_folder_beside(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("bert")
    beside = folder.path.parent / "tokenizer"
    beside.mkdir()
    (folder.path / "tokenizer.model").rename(beside / "zh8k.model")
    assert find_model(str(folder.path)).tokenizer == beside / "zh8k.model"


@pytest.mark.parametrize("name", ["uer/gpt2-chinese-cluecorpussmall", "org/bert", "a.b/c_d-e.1"])
@pytest.mark.usefixtures("workplace")
def test_hub_ids_are_told_as_such(name: str) -> None:
    error = no_model(name, UsageError)
    assert error.message == f"there is no directory {name}"
    assert error.hint is not None and error.hint.startswith("was it a hub id?")


def test_a_path_that_looks_like_a_hub_id_is_a_path(workplace: Path, make_folder: Callable[..., Any]) -> None:
    (workplace / "org").mkdir()
    shutil.move(make_folder("gpt2").path, workplace / "org" / "model")
    assert find_model("org/model").kind == "gpt2"


@pytest.mark.parametrize(
    ("name", "meant"), [("titel", "title"), ("gpt-2", "gpt2"), ("Bert", "bert"), ("titles", "title")]
)
@pytest.mark.usefixtures("workplace")
def test_a_near_miss_is_told_what_was_meant(name: str, meant: str) -> None:
    error = no_model(name, UsageError)
    assert error.message == f"there is no model {name}"
    assert error.hint == f"did you mean {meant}?"


@pytest.mark.parametrize(
    "name", ["llama", "./title", "../nowhere/at/all", "~nobody-by-this-name/m", "长" * 400, "tokenizer"]
)
@pytest.mark.usefixtures("workplace")
def test_an_unknown_name_is_told_what_there_is(name: str) -> None:
    error = no_model(name, UsageError)
    assert error.message == f"there is no model {name}"
    assert error.hint in (
        "models: bert, gpt2, title, or a directory",
        "did you mean title?",
    )


def test_a_file_is_no_model(workplace: Path) -> None:
    (workplace / "model.safetensors").write_bytes(b"")
    error = no_model("model.safetensors", UsageError)
    assert error.message == "model.safetensors is a file; a model is a directory"
    assert error.hint == "give the folder that holds it"


def test_a_folder_without_config(workplace: Path) -> None:
    (workplace / "empty").mkdir()
    assert no_model("./empty", ModelError).message == "empty has no config.json"


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe{}", b'{"model_type": "gpt2",}'])
def test_a_config_that_is_no_json(make_folder: Callable[..., Any], content: bytes) -> None:
    folder = make_folder("gpt2")
    (folder.path / "config.json").write_bytes(content)
    error = no_model(str(folder.path), ModelError)
    assert error.message.startswith(f"cannot read {folder.path}/config.json: ")
    assert error.hint == "is the file whole?"


@pytest.mark.parametrize("content", ["[]", "null", '"gpt2"', "3"])
def test_a_config_that_is_no_object(make_folder: Callable[..., Any], content: str) -> None:
    folder = make_folder("gpt2")
    (folder.path / "config.json").write_text(content, encoding="utf-8")
    assert no_model(str(folder.path), ModelError).message == f"{folder.path}/config.json is not a JSON object"


def test_a_folder_without_weights(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("gpt2")
    (folder.path / "model.safetensors").unlink()
    error = no_model(str(folder.path), ModelError)
    assert error.message == f"{folder.path} has no model.safetensors"
    assert error.hint == "weights are read from safetensors only"


@pytest.mark.parametrize(
    ("name", "gone"),
    [("pytorch_model.bin", "model.safetensors"), ("bert_model.ckpt.index", "config.json")],
)
def test_a_folder_with_weights_to_be_converted(make_folder: Callable[..., Any], name: str, gone: str) -> None:
    folder = make_folder("gpt2")
    (folder.path / "model.safetensors").rename(folder.path / name)
    (folder.path / gone).unlink(missing_ok=True)
    error = no_model(str(folder.path), ModelError)
    assert error.message == f"{folder.path} has no {gone}"
    converts = f"textgen models convert {folder.path} OUT writes them"
    assert error.hint == f"weights are read from safetensors only: {converts}"


def test_a_folder_without_tokenizer(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("gpt2")
    (folder.path / "tokenizer.model").unlink()
    with pytest.raises(ModelError, match="has no tokenizer") as raised:
        load_model(find_model(str(folder.path)))
    assert "beside its weights" in str(raised.value.hint)


@pytest.mark.parametrize("architecture", [None, ["bert"]])
def test_a_config_without_an_architecture(make_folder: Callable[..., Any], architecture: Any) -> None:
    folder = make_folder("bert")
    folder.config["model_type"] = architecture
    folder.write()
    error = no_model(str(folder.path), ModelError)
    assert error.message == f"{folder.path}/config.json names no model_type"


def test_an_architecture_that_no_backend_serves(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("bert")
    folder.config["model_type"] = "whisper"
    folder.write()
    files = find_model(str(folder.path))
    assert files.kind == "whisper"
    with pytest.raises(ModelError, match="no backend serves models of kind 'whisper'"):
        task_of(files.kind)


def test_a_fingerprint_is_the_head_of_the_sha256(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"abc")
    assert fingerprint(file) == "ba7816bf8f01"
    content = bytes(range(256)) * 5000  # more than one block
    file.write_bytes(content)
    assert fingerprint(file) == hashlib.sha256(content).hexdigest()[:12]


def test_metadata_of_shipped_and_of_broken_files(tmp_path: Path) -> None:
    assert read_metadata(models_dir() / "bert" / "model.safetensors")["storage"] == "int8-rowwise"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"{}")
    with pytest.raises(ModelError, match="cannot read"):
        read_metadata(broken)
