"""What is converted stands as a whole in a free place, with what lay beside the checkpoint."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from bundles import write_bundle
from foreign import SIZES, WORDS, google_names, random_network, write_json, write_vocabulary
from refusals import refusal

from textgen.cli.main import run
from textgen.errors import ModelError, UsageError
from textgen.store.convert import conversion
from textgen.store.convert.conversion import convert_model

SHARD = "bert_model.ckpt.data-00000-of-00001"
NAMES = ["CARD.md", "config.json", "model.safetensors", "vocab.txt"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "tf"
    write_vocabulary(folder)
    write_json(folder / "bert_config.json", SIZES)
    tensors = google_names(random_network("bert"))
    write_bundle(folder / "bert_model.ckpt", {**tensors, "bert/pooler/dense/bias": torch.zeros(12)})
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_card_says_what_it_was(source: Path, tmp_path: Path) -> None:
    done = convert_model(source, tmp_path / "out")
    assert [path.name for path in done.files] == NAMES
    digest = hashlib.sha256((source / SHARD).read_bytes()).hexdigest()
    card = (tmp_path / "out" / "CARD.md").read_text(encoding="utf-8")
    assert f"- {SHARD}, sha256 {digest}\n" in card
    assert card.endswith("Left out: bert/pooler/dense/bias.\n")


@pytest.mark.parametrize("name", ["bert_model.ckpt", "bert_model.ckpt.index"])
def test_a_checkpoint_is_given_by_its_name_or_file(source: Path, tmp_path: Path, name: str) -> None:
    convert_model(source, tmp_path / "folder")
    convert_model(source / name, tmp_path / "file")
    card = {"CARD.md": (tmp_path / "folder" / "CARD.md").read_bytes().replace(b"# folder", b"# file")}
    assert content(tmp_path / "file") == content(tmp_path / "folder") | card


def test_an_empty_folder_will_do_and_a_model_needs_force(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    convert_model(source, out)
    before = content(out)
    error = refusal(lambda: convert_model(source, out))
    assert (type(error), error.message, error.hint) == (
        UsageError,
        f"{out} holds a model",
        "force replaces it",
    )
    (out / "prior.safetensors").touch()
    convert_model(source, out, force=True)
    assert content(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tf"]


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_model_is_never_replaced(source: Path, tmp_path: Path, force: bool) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    error = refusal(lambda: convert_model(source, tmp_path / "mine", force=force))
    assert error.message == f"{tmp_path / 'mine'} is not empty, and no model"
    error = refusal(lambda: convert_model(source, tmp_path / "mine" / "letter", force=force))
    assert error.message == f"{tmp_path / 'mine' / 'letter'} is a file"
    for place in (source, tmp_path):
        error = refusal(lambda place=place: convert_model(source, place, force=force))
        assert error.message == f"{place} holds the checkpoint itself"


def test_what_fails_leaves_the_old_model(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert_model(source, tmp_path / "out")
    before = content(tmp_path / "out")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(conversion, "write_lazily", full)
    error = refusal(lambda: convert_model(source, tmp_path / "out", force=True))
    assert error.message == f"cannot write {tmp_path / 'out'}: No space left on device"
    assert content(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tf"]


def test_the_tokenizer_comes_along(source: Path, tmp_path: Path) -> None:
    (source / "vocab.txt").rename(source / "google_zh_vocab.txt")
    write_json(source / "tokenizer_config.json", {"do_lower_case": False})
    convert_model(source, tmp_path / "out")
    assert content(tmp_path / "out")["vocab.txt"].decode().split() == WORDS
    assert json.loads(content(tmp_path / "out")["tokenizer_config.json"]) == {"do_lower_case": False}


def test_a_vocabulary_longer_than_the_matrix_is_refused(source: Path, tmp_path: Path) -> None:
    with (source / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("也\n还\n又\n")
    error = refusal(lambda: convert_model(source, tmp_path / "out"))
    assert (type(error), error.message) == (
        ModelError,
        f"{source / 'vocab.txt'} has 21 words, the model 20",
    )


def test_which_config_is_meant(source: Path, tmp_path: Path) -> None:
    (source / "bert_config.json").rename(source / "tiny.json")
    convert_model(source, tmp_path / "one")
    shutil.copy(source / "tiny.json", source / "other.json")
    error = refusal(lambda: convert_model(source, tmp_path / "two"))
    assert error.message == f"{source} has several configs: other.json, tiny.json"
    for name in ("tiny.json", "other.json"):
        (source / name).unlink()
    error = refusal(lambda: convert_model(source, tmp_path / "none"))
    assert error.message == f"{source} has no config of the model"


def test_a_pointer_instead_of_weights_is_told(tmp_path: Path) -> None:
    pointer = tmp_path / "pytorch_model.bin"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\nsize 12345\n")
    error = refusal(lambda: convert_model(tmp_path, tmp_path / "out"))
    assert error.message == f"{pointer} is a pointer of Git LFS, not the file"


def test_which_checkpoint_is_meant(source: Path, tmp_path: Path) -> None:
    shutil.copy(source / "bert_model.ckpt.index", source / "older.ckpt.index")
    error = refusal(lambda: convert_model(source, tmp_path / "out"))
    assert error.message == f"{source} holds several checkpoints: bert_model.ckpt.index, older.ckpt.index"
    for name in ("absent", "tf/vocab.txt"):
        error = refusal(lambda name=name: convert_model(tmp_path / name, tmp_path / "out"))
        assert (type(error), error.exit_code) == (UsageError, 2)
    (tmp_path / "bare").mkdir()
    error = refusal(lambda: convert_model(tmp_path / "bare", tmp_path / "out"))
    assert error.message == f"{tmp_path / 'bare'} holds no checkpoint that is converted"
    error = refusal(lambda: convert_model(tmp_path, tmp_path / "out"))
    assert error.hint == f"there is one in {source}"
    (tmp_path / "bare" / "model.safetensors").touch()
    error = refusal(lambda: convert_model(tmp_path / "bare", tmp_path / "out"))
    assert error.message == f"{tmp_path / 'bare'} has model.safetensors already"


def test_an_unknown_network_is_refused(tmp_path: Path) -> None:
    for name, message in (
        ("albert/embeddings/x", "no known network has a tensor albert/embeddings/x"),
        ("layer-1/x/.ATTRIBUTES/VARIABLE_VALUE", "the checkpoint names layers of a Keras model"),
    ):
        index = write_bundle(tmp_path / "model.ckpt", {name: torch.zeros(2)})
        error = refusal(lambda index=index: convert_model(index, tmp_path / "out"))
        assert error.message.startswith(message)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*args: object) -> tuple[int, str, str]:
        code = run(["models", "convert", *map(str, args)])
        return (code, *capsys.readouterr())

    return call


def test_the_command(source: Path, tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    out = tmp_path / "out"
    code, printed, said = call(source, out)
    assert (code, printed) == (0, "")
    assert said.splitlines() == [
        *(f"wrote {out / name}" for name in NAMES),
        "left out 1 tensor that a bert model has no place for: bert/pooler/dense/bias",
    ]
    code, printed, said = call(source, out)
    assert (code, printed, said) == (2, "", f"error: {out} holds a model (--force replaces it)\n")
    (source / "vocab.txt").unlink()
    code, printed, said = call(source, out, "--force", "--kind", "simbert")
    assert (code, said.splitlines()[-1]) == (
        0,
        f"warning: no vocabulary lies beside {source}: put it into {out}",
    )
    assert call(source, out, "--force", "--quiet") == (0, "", "")
    code, _, said = call(source, out, "--force", "--kind", "gpt3")
    assert (code, said) == (
        2,
        "error: --kind gpt3 is unknown (one of: bert, simbert, roformer, roformer-sim, nezha)\n",
    )
