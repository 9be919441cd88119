"""Options from a TOML file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from textgen.errors import UsageError
from textgen.files.config_file import read_config
from textgen.options import TitleOptions, parse

FILE = """
seed = 7
batch-size = 8
top_p = 0.9

[title]
beams = 6
length-penalty = 0.5
batch_size = 4

[sample]
top-p = 0.8
length = "8-16"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "options.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_the_top_holds_for_all_and_a_table_for_its_command(file: Path) -> None:
    assert read_config(file, "title") == {
        "seed": 7,
        "batch_size": 4,
        "top_p": 0.9,
        "beams": 6,
        "length_penalty": 0.5,
    }
    assert read_config(file, "sample") == {"seed": 7, "batch_size": 8, "top_p": 0.8, "length": "8-16"}
    assert read_config(file, "eval") == {"seed": 7, "batch_size": 8, "top_p": 0.9}


@pytest.mark.parametrize("top", ["top-p", "top_p"])
@pytest.mark.parametrize("special", ["top-p", "top_p"])
def test_a_table_wins_however_it_is_spelled(tmp_path: Path, top: str, special: str) -> None:
    path = tmp_path / "o.toml"
    path.write_text(f"{top} = 0.1\nseed = 1\n[sample]\n{special} = 0.2\n", encoding="utf-8")
    assert read_config(path, "sample") == {"top_p": 0.2, "seed": 1}


def test_a_recipe_has_its_table_in_that_of_training(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text(
        "seed = 1\n[train]\nsteps = 5\nepochs = 1\n[train.weight]\ntv = 0.25\n"
        "[train.rnn_title]\nsteps = 9\n[train.tokenizer]\nkind = 'bpe'\n",
        encoding="utf-8",
    )
    common = {"seed": 1, "steps": 5, "epochs": 1, "weight": {"tv": 0.25}}
    assert read_config(path, "train.title") == common
    assert read_config(path, "train.rnn-title") == common | {"steps": 9}
    assert read_config(path, "train.tokenizer") == common | {"kind": "bpe"}


def test_a_table_of_no_recipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text("[train.titel]\nsteps = 5\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no recipe titel") as caught:
        read_config(path, "train.title")
    assert "title-rank" in str(caught.value.hint)


def test_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("# 没有\n", encoding="utf-8")
    assert read_config(path, "title") == {}


def test_its_values_are_validated_like_flags(file: Path) -> None:
    with pytest.raises(UsageError, match="top_p needs decode sample or stochastic; the default is beam"):
        parse(TitleOptions, read_config(file, "title"))


@pytest.mark.parametrize(
    "content",
    [
        b"top_p 0.9",
        b"top_p = ",
        b"[title\n",
        b"top_p = 1\ntop_p = 2\n",
        "名 = 'x'".encode(),
        "seed = '种'".encode("gbk"),
        b"\x00\xff",
        b"title = 3\n",
        b"title = 'beams'\n",
        b"[[title]]\nbeams = 3\n",
        b"a = " + b"[" * 100_000,
        b"seed = " + b"9" * 5000,
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_config(path, "title")
    assert caught.value.message.startswith(f"config {path}: ")
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("seed = '种'".encode("gbk"), "it is not UTF-8"),
        (b"a = " + b"[" * 100_000, "it is nested too deeply"),
        (b"seed = " + b"9" * 5000, "a number in it has too many digits"),
        (b"top_p 0.9", "Expected '=' after a key in a key/value pair (at line 1, column 7)"),
    ],
)
def test_the_reason_is_told_in_words_of_files(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_config(path, "title")
    assert caught.value.message == f"config {path}: {reason}"


def test_an_option_in_both_spellings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.toml"
    path.write_text("[title]\nnum_candidates = 3\nnum-candidates = 4\n")
    with pytest.raises(UsageError) as caught:
        read_config(path, "title")
    line = f"config {path} has num_candidates twice (dashes and underscores are the same)"
    assert caught.value.line == line


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_line_ends_and_a_mark(tmp_path: Path, end: str, encoding: str) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(end.join(["seed = 7", "[title]", "beams = 3", ""]).encode(encoding))
    assert read_config(path, "title") == {"seed": 7, "beams": 3}


def test_a_pipe_does_not_keep_one_waiting(tmp_path: Path) -> None:
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="a pipe or a device") as caught:
        read_config(path, "title")
    assert caught.value.message.startswith(f"config {path}: ")


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(UsageError) as caught:
        read_config(path, "title")
    assert caught.value.message == f"config {path}: No such file or directory"
    with pytest.raises(UsageError, match="config"):
        read_config(tmp_path, "title")  # a folder
