"""`textgen models`: a model that was trained gets a name, keeps it, loses it; and goes elsewhere."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from added_models import TOKENIZER, Call, content, refused

import textgen
from textgen.cli.commands import models
from textgen.errors import UsageError
from textgen.store import user_models as added
from textgen.store.catalog import find_model

ARTICLE = "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"


pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def call(call: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a command line, with a text on its stdin if there is one."""

    def with_input(*args: object, stdin: str = "") -> tuple[int, str, str]:
        read, write = os.pipe()
        os.write(write, stdin.encode())
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as file:
            monkeypatch.setattr("sys.stdin", file)
            return call(*args)

    return with_input


def names(call: Call) -> list[str]:
    return [line.split("\t")[0] for line in call("models", "list")[1].splitlines()]


def test_an_added_model_has_a_name_everywhere(call: Call, trained: Path, shelf: Path) -> None:
    code, out, err = call("models", "add", trained, "--name", "财经标题")
    assert (code, out) == (0, "")
    assert err == f"added 财经标题 (title, 0.4 MB): {shelf / '财经标题'}\n"
    assert names(call) == ["bert", "gpt2", "title", "财经标题"]
    assert call("models", "list")[1].splitlines()[2:] == [
        "title\ttitle\t23.8 MB\tembedded",
        "财经标题\ttitle\t0.4 MB\tadded",
    ]
    listed = [json.loads(line) for line in call("models", "list", "--json")[1].splitlines()]
    assert [facts["embedded"] for facts in listed] == [True, True, True, False]
    facts = json.loads(call("models", "info", "财经标题", "--json")[1])
    assert facts == listed[3]
    assert (facts["name"], facts["kind"], facts["storage"]) == ("财经标题", "title", "fp32")
    assert facts["path"] == str(shelf / "财经标题")
    shutil.rmtree(trained)  # it is a copy
    code, out, _ = call("title", "-", "--model", "财经标题", "--json", "--decode", "greedy", stdin=ARTICLE)
    record = json.loads(out)
    assert (code, record["model"]) == (0, f"财经标题@sha256:{facts['sha256']}")
    [again] = textgen.load("财经标题").generate(ARTICLE, decode="greedy")
    assert [candidate["text"] for candidate in record["candidates"]] == [c.text for c in again.candidates]


def test_the_name_is_by_default_that_of_the_directory(
    call: Call, trained: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("models", "add", trained, "--quiet") == (0, "", "")
    monkeypatch.chdir(trained)
    assert call("models", "add", ".", "--force")[0] == 0
    assert names(call)[3:] == ["run-17"]
    assert content(shelf / "run-17") == content(trained)


def test_all_that_belongs_to_a_model_is_copied(call: Call, trained: Path, shelf: Path) -> None:
    beside = trained.parent / "tokenizer"
    beside.mkdir()
    (trained / "tokenizer.model").rename(beside / "zh8k.model")
    (trained / "CARD.md").write_text("# 说明\n", encoding="utf-8")
    (trained / "optimizer.safetensors").write_bytes(b"large")
    assert call("models", "export", trained, trained.parent / "out", "--dtype", "fp32", "-q")[0] == 0
    shutil.copyfile(trained.parent / "out" / "prior.safetensors", trained / "prior.safetensors")
    before = os.umask(0o022)
    try:
        assert call("models", "add", trained)[0] == 0
    finally:
        os.umask(before)
    kept = ["CARD.md", "config.json", "model.safetensors", "prior.safetensors", "tokenizer.model"]
    assert sorted(content(shelf / "run-17")) == kept
    assert (shelf / "run-17" / "tokenizer.model").read_bytes() == TOKENIZER.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (shelf / "run-17").iterdir()} == {0o644}
    assert (shelf / "run-17").stat().st_mode & 0o777 == 0o755
    assert call("models", "info", "run-17")[1].rstrip().endswith("# 说明")


def test_a_taken_name_needs_force(call: Call, trained: Path, shelf: Path) -> None:
    assert call("models", "add", trained, "--name", "mine")[0] == 0
    before = content(shelf)
    (trained / "CARD.md").write_text("second", encoding="utf-8")
    refused(
        call("models", "add", trained, "--name", "mine"),
        2,
        "there is a model mine already (--force replaces it)",
    )
    assert content(shelf) == before
    assert call("models", "add", trained, "--name", "mine", "--force")[0] == 0
    assert content(shelf) == before | {"mine/CARD.md": b"second"}
    assert call("models", "add", shelf / "mine", "--name", "mine", "--force")[0] == 0  # onto itself
    assert content(shelf) == before | {"mine/CARD.md": b"second"}


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "-x", "a/b", "../a", "a b", "a\tb", "名" * 65, "a:b"]
)
def test_what_no_model_can_be_called(call: Call, trained: Path, shelf: Path, name: str) -> None:
    hint = "--name takes up to 64 letters, digits, '.', '_' and '-', the first no '.' or '-'"
    refused(
        call("models", "add", trained, f"--name={name}"), 2, f"a model cannot be called {name!r} ({hint})"
    )
    assert not shelf.exists()


@pytest.mark.parametrize("name", ["a", "7", "_x", "a.b-c_d", "新闻标题2", "名" * 64, "Title"])
def test_what_a_model_can_be_called(call: Call, trained: Path, shelf: Path, name: str) -> None:
    assert call("models", "add", trained, f"--name={name}")[0] == 0
    assert find_model(name).path == shelf / name


@pytest.mark.parametrize(
    "name", ["title", "bert", "gpt2", "compose", "rewrite", "correct", "fill", "cgmh", "tokenizer"]
)
def test_our_own_names_are_taken(call: Call, trained: Path, shelf: Path, name: str) -> None:
    line = f"{name} is textgen's own name (give the model another: --name my-{name})"
    refused(call("models", "add", trained, "--name", name, "--force"), 2, line)
    trained.rename(trained.parent / name)  # the default is no better
    refused(call("models", "add", trained.parent / name), 2, line)
    assert not shelf.exists()


def test_only_what_loads_is_added(
    call: Call, trained: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained.parent)
    config = trained / "config.json"
    good, weights = config.read_bytes(), (trained / "model.safetensors").read_bytes()
    whole = "give the folder with config.json and model.safetensors"
    refused(call("models", "add", "title"), 2, f"there is no directory title ({whole})")
    line = "run-17/config.json is a file; a model is a directory (give the folder that holds it)"
    refused(call("models", "add", "run-17/config.json"), 2, line)
    config.write_text(json.dumps(json.loads(good) | {"hidden_size": 16}), encoding="utf-8")
    code, out, err = call("models", "add", "run-17")
    assert (code, out) == (1, "")
    assert err.startswith("error: run-17 has ")
    assert "config.json says" in err
    config.write_text(json.dumps(json.loads(good) | {"model_type": "whisper"}), encoding="utf-8")
    code, _, err = call("models", "add", "run-17")
    assert (code, err.split(" (")[0]) == (1, "error: no backend serves models of kind 'whisper'")
    config.write_bytes(good)
    (trained / "model.safetensors").write_bytes(weights[:-1])
    code, _, err = call("models", "add", "run-17")
    assert code == 1
    assert err.startswith("error: cannot read run-17/model.safetensors: ")
    (trained / "model.safetensors").unlink()
    line = "run-17 has no model.safetensors (weights are read from safetensors only)"
    refused(call("models", "add", "run-17"), 1, line)
    (trained / "model.safetensors").write_bytes(weights)
    (trained / "tokenizer.model").unlink()
    code, _, err = call("models", "add", "run-17")
    assert (code, err.split(" (")[0]) == (1, "error: run-17 has no tokenizer.model")
    config.unlink()
    refused(call("models", "add", "run-17"), 1, "run-17 has no config.json (is it a model directory?)")
    assert not shelf.exists()


def test_a_folder_that_cannot_be_written(call: Call, trained: Path, shelf: Path) -> None:
    shelf.parent.write_text("mine", encoding="utf-8")
    line = f"cannot write {shelf / 'mine'}: Not a directory (is the disk full, or the folder not yours?)"
    refused(call("models", "add", trained, "--name", "mine"), 1, line)
    assert names(call) == ["bert", "gpt2", "title"]


def test_added_models_are_removed(call: Call, trained: Path, shelf: Path) -> None:
    for name in ("a", "b", "c"):
        assert call("models", "add", trained, "--name", name)[0] == 0
    assert call("models", "remove", "a", "c", "a") == (0, "", "removed a\nremoved c\n")
    assert names(call)[3:] == ["b"]
    assert call("models", "remove", "b", "-q") == (0, "", "")
    assert list(shelf.iterdir()) == []
    code, _, err = call("models", "info", "b")
    assert (code, err) == (2, "error: there is no model b (models: bert, gpt2, title, or a directory)\n")


def test_only_added_models_are_removed(call: Call, trained: Path, shelf: Path) -> None:
    ships = "title ships with textgen (only models that were added can be removed)"
    refused(call("models", "remove", "title"), 2, ships)
    refused(call("models", "remove", "mine"), 2, "no model mine was added (none was added)")
    assert call("models", "add", trained, "--name", "mine")[0] == 0
    for name, line in (
        ("title", ships),
        ("mines", "no model mines was added (did you mean mine?)"),
        ("..", "no model .. was added (added: mine)"),
        (str(trained), f"no model {trained} was added (added: mine)"),
    ):
        refused(call("models", "remove", "mine", name), 2, line)  # nor is what was named before it
    assert names(call)[3:] == ["mine"]
    assert (trained / "config.json").is_file()


def test_a_broken_added_model_hides_no_other_and_can_be_removed(
    call: Call, trained: Path, shelf: Path
) -> None:
    for name in ("a", "b", "c"):
        assert call("models", "add", trained, "--name", name)[0] == 0
    (shelf / "a" / "config.json").write_text("{", encoding="utf-8")
    (shelf / "b" / "model.safetensors").write_bytes(b"")
    code, out, err = call("models", "list", "--json")
    assert code == 0
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["bert", "gpt2", "title", "c"]
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["warning", f"cannot read {shelf / 'a' / 'config.json'}"],
        ["warning", f"cannot read {shelf / 'b' / 'model.safetensors'}"],
    ]
    assert call("models", "remove", "a", "b")[0] == 0
    assert names(call)[3:] == ["c"]


@pytest.mark.parametrize("force", [False, True])
def test_of_several_that_add_one_name_at_once_one_succeeds(
    trained: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    """Unless each may replace the others' model."""
    count, files = 4, find_model(str(trained))
    processes = multiprocessing.get_context("fork")
    together, told = processes.Barrier(count), processes.Queue()
    copy = added._copy

    def copy_together(*given: Any) -> None:
        copy(*given)
        together.wait(60)  # all have found the name free

    def add() -> None:
        try:
            told.put(added.add_model(files, "mine", lambda _: None, force=force).name)
        except UsageError as error:
            told.put(error.line)

    monkeypatch.setattr(added, "_copy", copy_together)
    adding = [processes.Process(target=add) for _ in range(count)]
    for process in adding:
        process.start()
    found = sorted(told.get(timeout=60) for _ in adding)
    for process in adding:
        process.join()
    refused = "there is a model mine already (force replaces it)"
    assert found == (["mine"] * count if force else ["mine", *[refused] * (count - 1)])
    assert [path.name for path in shelf.iterdir()] == ["mine"]
    assert (shelf / "mine" / "model.safetensors").read_bytes() == files.weights.read_bytes()


def test_a_closed_pipe_is_no_missing_card(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def gone(text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    (tmp_path / "CARD.md").write_text("# 名片\n", encoding="utf-8")
    models._show(tmp_path / "CARD.md")
    assert capsys.readouterr() == ("\n# 名片\n", "")
    monkeypatch.setattr("textgen.cli.render.console.result", gone)
    with pytest.raises(BrokenPipeError):
        models._show(tmp_path / "CARD.md")
    models._show(tmp_path / "gone.md")
    assert "no card" in capsys.readouterr().err
