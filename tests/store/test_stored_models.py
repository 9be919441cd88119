"""A stored directory is a model for us: what it holds, and where it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refusal

from textgen.errors import UsageError
from textgen.models.families.unilm import UniLM
from textgen.resources import models_dir
from textgen.store.catalog import embedded_names, find_model
from textgen.store.export import check_export, export_model, store_model
from textgen.store.load import load_model


@pytest.mark.parametrize("kind", embedded_names())
def test_a_stored_model_is_the_same_in_fp32(
    make_folder: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    folder = make_folder(kind)
    written = list(store_model(find_model(str(folder.path)), tmp_path / "far" / "away", "fp32"))
    assert [path.name for path in written] == ["config.json", "tokenizer.model", "model.safetensors"]
    first, again = (
        load_model(find_model(str(folder.path))),
        load_model(find_model(str(tmp_path / "far/away"))),
    )
    assert again.files.config == folder.config
    assert type(again.network) is type(first.network)
    theirs = first.network.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in again.network.state_dict().items())


def test_a_shipped_model_is_stored_as_it_ships(tmp_path: Path) -> None:
    written = list(store_model(find_model("bert"), tmp_path / "again", "int8"))
    assert [path.name for path in written][2:] == ["model.safetensors", "CARD.md"]
    for name in ("config.json", "CARD.md"):
        assert (tmp_path / "again" / name).read_text(encoding="utf-8").strip() == (
            models_dir() / "bert" / name
        ).read_text(encoding="utf-8").strip()
    assert (tmp_path / "again" / "model.safetensors").stat().st_size == find_model(
        "bert"
    ).weights.stat().st_size


def test_what_transformers_was_given_is_stored_with_its_prior(
    make_folder: Callable[..., Any], tmp_path: Path
) -> None:
    folder = make_folder("title")
    list(export_model(find_model(str(folder.path)), tmp_path / "theirs", "fp32"))
    list(export_model(find_model(str(folder.path)), tmp_path / "ours", "fp16"))  # its prior is in the way
    list(store_model(find_model(str(tmp_path / "theirs")), tmp_path / "ours", "fp32"))
    ours = find_model(str(tmp_path / "ours"))
    assert not (ours.path / "prior.safetensors").exists()
    assert "dtype" not in ours.config
    network = load_model(ours).network
    assert isinstance(network, UniLM)
    assert torch.equal(network.prior.a, folder.tensors["prior.a"])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"model_type": "rnn-title"}, "is a rnn-title model"),
        ({"styles": ["news", "science"]}, "was trained with styles"),
    ],
)
def test_what_transformers_does_not_know_is_stored_only(
    make_folder: Callable[..., Any], tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    folder = make_folder("bert")
    folder.config |= changed
    folder.write()
    files, out = find_model(str(folder.path)), tmp_path / "out"
    error = refusal(lambda: list(export_model(files, out)))
    assert (type(error), error.message) == (
        UsageError,
        f"{files.name} {why}, which transformers does not know",
    )
    assert error.hint == "storage fp16 writes a directory for textgen"
    assert not out.exists()
    assert len(list(store_model(files, out, "fp16"))) == 3
    assert find_model(str(out)).config == folder.config


def test_a_storage_and_a_precision_exclude_each_other(tmp_path: Path) -> None:
    error = refusal(lambda: check_export(tmp_path, "fp16", force=False, storage="fp16"))
    assert (type(error), error.message) == (UsageError, "dtype does not go with storage")
    error = refusal(lambda: check_export(tmp_path / "new", None, force=False, storage="int4"))
    assert (error.message, error.hint) == ("storage int4 is unknown", "one of: fp32, fp16, int8")
    (tmp_path / "mine").touch()
    error = refusal(lambda: check_export(tmp_path, None, force=False, storage="int8"))
    assert error.message == f"{tmp_path} is not empty"


def test_a_model_is_not_stored_onto_itself(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("bert")
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    error = refusal(lambda: list(store_model(find_model(str(folder.path)), folder.path, "int8")))
    assert (type(error), error.message) == (UsageError, f"{folder.path} is the model itself")
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_storing_where_nothing_can_be_written_is_one_line(
    make_folder: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    files = find_model(str(make_folder("gpt2").path))
    error = refusal(lambda: list(store_model(files, tmp_path / "file" / "below", "int8")))
    assert error.message == f"cannot write {tmp_path / 'file' / 'below'}: Not a directory"
