"""Models that the user has added: their names, how they are replaced, and how they are removed."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import no_model

from textgen.errors import TextgenError, UsageError
from textgen.resources import user_models_dir
from textgen.store.catalog import (
    added_names,
    embedded_names,
    find_directory,
    find_model,
)
from textgen.store.load import load_model
from textgen.store.user_models import add_model, remove_models

pytestmark = pytest.mark.usefixtures("shelf")


def test_the_folder_of_added_models(monkeypatch: pytest.MonkeyPatch, shelf: Path) -> None:
    assert user_models_dir() == shelf
    monkeypatch.setenv("TEXTGEN_MODELS", "~/shelf")
    assert user_models_dir() == Path.home() / "shelf"
    for unset in (
        lambda: monkeypatch.setenv("TEXTGEN_MODELS", ""),
        lambda: monkeypatch.delenv("TEXTGEN_MODELS"),
    ):
        unset()
        assert user_models_dir().parts[-2:] == ("textgen-zh", "models")
    monkeypatch.setenv("TEXTGEN_MODELS", "~nobody-by-this-name/shelf")
    assert find_model("title").embedded
    assert no_model("mine", UsageError).message == "TEXTGEN_MODELS cannot be ~nobody-by-this-name/shelf"


def test_an_added_name_comes_after_the_embedded_and_before_folders(
    workplace: Path, shelf: Path, make_folder: Callable[..., Any]
) -> None:
    given = find_model(str(make_folder("gpt2").path))
    assert added_names() == []
    added = add_model(given, "mine", load_model)
    assert (added.name, added.kind, added.embedded, added.added) == ("mine", "gpt2", False, True)
    assert added.path == shelf / "mine"
    assert added.tokenizer == shelf / "mine" / "tokenizer.model"
    shutil.move(make_folder("bert", name="other").path, workplace / "mine")
    shutil.copytree(shelf / "mine", shelf / "title")
    assert find_model("mine") == added
    assert (find_model("./mine").kind, find_directory("mine").kind) == ("bert", "bert")
    assert find_directory("mine").added is False
    assert find_model("title").embedded
    assert added_names() == ["mine"]
    assert embedded_names() == ["bert", "gpt2", "title"]


def test_an_added_model_is_labelled_by_its_name(shelf: Path, make_folder: Callable[..., Any]) -> None:
    folder = make_folder("gpt2", name="run-17")
    given = find_model(str(folder.path))
    assert add_model(given, "mine", load_model).label == given.label.replace("run-17", "mine")
    (shelf / "linked").symlink_to(folder.path)
    assert find_model("linked").label == given.label.replace("run-17", "linked")


def test_hints_know_added_names(workplace: Path, make_folder: Callable[..., Any]) -> None:
    add_model(find_model(str(make_folder("gpt2").path)), "财经标题", load_model)
    assert no_model("财经标提", UsageError).hint == "did you mean 财经标题?"
    known = "models: bert, gpt2, title, 财经标题, or a directory"
    assert no_model("llama", UsageError).hint == known
    error = no_model("", UsageError)
    assert (error.message, error.hint) == ("the model's name is empty", known)


def test_what_is_no_model_is_no_name(shelf: Path, make_folder: Callable[..., Any]) -> None:
    folder = make_folder("gpt2").path
    for name in (".mine.17.new", "notes/mine"):
        shutil.copytree(folder, shelf / name)
    (shelf / "model.safetensors").touch()
    (shelf / "empty").mkdir()
    assert added_names() == []


@pytest.mark.parametrize("kind", embedded_names())
def test_an_added_model_is_the_model(make_folder: Callable[..., Any], kind: str) -> None:
    given = find_model(str(make_folder(kind).path))
    first, added = load_model(given).network, load_model(add_model(given, "mine", load_model)).network
    assert type(added) is type(first)
    ours, theirs = added.state_dict(), first.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())


def test_a_model_is_replaced_or_stays_as_it_is(
    shelf: Path, make_folder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_model(str(make_folder("gpt2", name="first").path))
    second = find_model(str(make_folder("bert", name="second").path))
    add_model(first, "mine", load_model)
    copyfile = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        if source.name == "tokenizer.model":
            raise OSError(errno.ENOSPC, "No space left on device")
        copyfile(source, target)

    with monkeypatch.context() as patch, pytest.raises(TextgenError) as caught:
        patch.setattr(shutil, "copyfile", full)
        add_model(second, "mine", load_model, force=True)
    assert caught.value.message == f"cannot write {shelf / 'mine'}: No space left on device"
    assert [path.name for path in shelf.iterdir()] == ["mine"]
    assert find_model("mine").kind == "gpt2"
    assert add_model(second, "mine", load_model, force=True).kind == "bert"
    assert [path.name for path in shelf.iterdir()] == ["mine"]


def test_a_model_that_cannot_take_its_place_leaves_the_old_one(
    shelf: Path, make_folder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = find_model(str(make_folder("gpt2").path))
    add_model(given, "mine", load_model)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(TextgenError, match="Permission denied"):
        add_model(given, "mine", load_model, force=True)
    assert [path.name for path in shelf.iterdir()] == ["mine"]
    assert find_model("mine").kind == "gpt2"


def test_removing_a_link_keeps_what_it_leads_to(shelf: Path, make_folder: Callable[..., Any]) -> None:
    folder = make_folder("gpt2").path
    shelf.mkdir(parents=True)
    (shelf / "linked").symlink_to(folder)
    assert list(remove_models(["linked"])) == ["linked"]
    assert list(shelf.iterdir()) == []
    assert find_model(str(folder)).kind == "gpt2"


def test_folders_that_are_no_models_are_never_removed(shelf: Path, make_folder: Callable[..., Any]) -> None:
    (shelf / "documents").mkdir(parents=True)
    (shelf / "documents" / "letter").touch()
    given = find_model(str(make_folder("gpt2").path))
    with pytest.raises(UsageError, match="no model documents was added"):
        list(remove_models(["documents"]))
    for force in (False, True):
        with pytest.raises(UsageError, match="is no model, and in the way"):
            add_model(given, "documents", load_model, force=force)
    assert (shelf / "documents" / "letter").exists()
