"""`textgen models`: a model that was trained gets a name, keeps it, loses it; and goes elsewhere."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import textgen
from textgen.errors import UsageError
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior
from textgen.resources import models_dir
from textgen.store import user_models as added
from textgen.store.catalog import find_model
from textgen.store.save import save_model

Call = Callable[..., tuple[int, str, str]]
TOKENIZER = models_dir() / "tokenizer" / "zh8k.model"
ARTICLE = "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"
SIZES = {
    "vocab_size": 8192,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 128,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models; there is none yet."""
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "data" / "shelf"))
    return tmp_path / "data" / "shelf"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The directory of a small title model, as training leaves it."""
    torch.manual_seed(1)
    network = UniLM(Bert(BertConfig.from_dict(SIZES)), CopyPrior(8192), {7: 1, 8: 1})
    config = SIZES | {"model_type": "bert", "target_types": {"l2r": 1, "r2l": 1}}
    save_model(tmp_path / "run-17", network, config, TOKENIZER, storage="fp32")
    return tmp_path / "run-17"


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


def refused(result: tuple[int, str, str], code: int, line: str) -> None:
    assert result == (code, "", f"error: {line}\n")


def names(call: Call) -> list[str]:
    return [line.split("\t")[0] for line in call("models", "list")[1].splitlines()]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
    assert err.startswith("error: run-17: ")
    assert "config.json says" in err
    config.write_text(json.dumps(json.loads(good) | {"model_type": "t5"}), encoding="utf-8")
    code, _, err = call("models", "add", "run-17")
    assert (code, err.split(" (")[0]) == (1, "error: no backend serves models of kind 't5'")
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


def test_what_a_kind_does_not_have_is_not_told(call: Call, trained: Path) -> None:
    config = {"model_type": "rnn-title", "vocab_size": 8192, "hidden_size": 8}
    (trained / "config.json").write_text(json.dumps(config), encoding="utf-8")
    told = [line.split()[0] for line in call("models", "info", trained)[1].splitlines()]
    facts = ["name", "kind", "embedded", "width", "vocabulary", "storage", "sha256", "megabytes", "path"]
    assert told == facts


def test_storage_writes_a_directory_for_textgen(call: Call, trained: Path, tmp_path: Path) -> None:
    (trained / "CARD.md").write_text("# 说明\n", encoding="utf-8")
    out = tmp_path / "small"
    code, said, err = call("models", "export", trained, out, "--storage", "int8")
    assert (code, said) == (0, "")
    written = ["config.json", "tokenizer.model", "model.safetensors", "CARD.md"]
    assert err == "".join(f"wrote {out / name}\n" for name in written)
    assert sorted(content(out)) == sorted(written)
    facts = json.loads(call("models", "info", out, "--json")[1])
    assert (facts["storage"], facts["kind"]) == ("int8-rowwise", "title")
    assert call("models", "add", out, "--name", "small", "-q")[0] == 0
    code, said, _ = call("title", "-", "--model", "small", "--decode", "greedy", stdin=ARTICLE)
    assert code == 0


def test_what_export_refuses(call: Call, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hint = "--dtype is for transformers, --storage for textgen"
    both = call("models", "export", trained, out, "--dtype", "fp16", "--storage", "fp16")
    refused(both, 2, f"--dtype does not go with --storage ({hint})")
    line = "--storage int4 is unknown (one of: fp32, fp16, int8)"
    refused(call("models", "export", trained, out, "--storage", "int4"), 2, line)
    line = f"{trained} is not empty (--force writes into it)"
    refused(call("models", "export", "title", trained, "--storage", "int8"), 2, line)
    config = json.loads((trained / "config.json").read_text(encoding="utf-8"))
    (trained / "config.json").write_text(json.dumps(config | {"model_type": "rnn-title"}), encoding="utf-8")
    line = f"{trained} is a rnn-title model, which transformers does not know"
    line += " (--storage fp16 writes a directory for textgen)"
    refused(call("models", "export", trained, out), 2, line)
    assert not out.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16", "big5"])
def test_a_card_is_read_as_texts_are(call: Call, trained: Path, encoding: str) -> None:
    card = "# 標題模型\n\n以新聞標題訓練而成，不宜用於小說。"
    if encoding == "gbk":
        card = "# 标题模型\n\n用新闻标题训练而成，不宜用于小说。"
    (trained / "CARD.md").write_text(f"{card}\n", encoding=encoding)
    code, out, err = call("models", "info", trained)
    assert (code, err) == (0, "")
    assert out.endswith(f"\n\n{card}\n")


@pytest.mark.parametrize("card", ["binary", "empty", "folder", "pipe"])
def test_a_card_that_cannot_be_read_is_told(call: Call, trained: Path, card: str) -> None:
    path = trained / "CARD.md"
    if card == "folder":
        path.mkdir()
    elif card == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"\x89PNG\r\n\x1a\n" if card == "binary" else b"")
    code, out, err = call("models", "info", trained)
    assert code == 0
    assert out.startswith("name ")
    assert err.startswith("warning: no card: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", [["models", "info"], ["title", "a.txt", "--decode", "greedy", "-m"]])
def test_a_config_with_a_byte_order_mark(
    call: Call, trained: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(trained.parent)
    Path("a.txt").write_text(ARTICLE, encoding="utf-8")
    plain = call(*command, trained)
    config = trained / "config.json"
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    assert plain[0] == 0
    assert call(*command, trained) == plain


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
