"""Files whose names are no UTF-8: they are read, written and named like all others."""

import json
import os
from pathlib import Path

import pytest

from textgen.cli.main import run
from textgen.files.atomic import json_bytes
from textgen.store.catalog import find_model
from textgen.train.run_directory.directory import read_settings

SIZES = ("--layers", "1", "--width", "32", "--heads", "2", "--positions", "64", "--window", "32")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    name = os.fsdecode(b"f\xff")
    try:
        (tmp_path / name).mkdir()
    except OSError:
        pytest.skip("this file system has names of UTF-8 only")
    monkeypatch.chdir(tmp_path / name)
    monkeypatch.setenv("TEXTGEN_MODELS", os.fsdecode(b"models\xfe"))
    return tmp_path / name


def test_a_lone_surrogate_in_json_is_read_back():
    content = {"名\udcff": ["春\ud800"]}
    assert json.loads(json_bytes(content)) == content


@pytest.mark.usefixtures("small_as_shipped")
def test_what_is_written_and_compared_has_such_names(folder, capsys):
    texts, steps = "o\udcff.jsonl", "t\udcff.jsonl"
    chain = ("--steps", "3", "--chains", "1", "--seed", "1", "--length", "4-8", "-q")
    assert run(["compose", "春天", *chain, "-o", texts, "--trace", steps]) == 0
    assert len(Path(steps).read_text(encoding="utf-8").splitlines()) == 3
    titles = "r\udcff.jsonl"
    Path(titles).write_text('{"id": "1", "title": "春天"}\n', encoding="utf-8")
    record = {"id": "1", "candidates": [{"text": "春天"}], "error": None}
    Path("a\udcff.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert run(["eval", "a\udcff.jsonl", "--reference", titles, "--against", "a\udcff.jsonl"]) == 0
    assert "surrogate" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_is_trained_added_used_and_exported_under_such_names(folder, capsys):
    """From a file, into a folder and from it, with the trace and the table of a run."""
    source, made, output = (os.fsdecode(name) for name in (b"bad\xff.txt", b"run\xff", b"o\xff.csv"))
    Path(source).write_text("春天来了，山坡上的花开了。\n" * 8, encoding="utf-8")
    steps = ("--batch-size", "4", "--steps", "2", "--quiet")
    assert run(["train", "gpt2", source, "--dev", source, "-o", made, *SIZES, *steps]) == 0
    settings = read_settings(Path(made))
    assert settings is not None
    assert (settings["inputs"], settings["dev"]) == ([source], [source])
    assert "bad\\udcff.txt" in (Path(made) / "CARD.md").read_text(encoding="utf-8")
    assert run(["models", "info", made]) == 0
    assert run(["models", "add", made, "--name", "mine"]) == 0
    assert find_model("mine").path.parent.name == os.fsdecode(b"models\xfe")
    capsys.readouterr()
    sample = ("sample", "-i", source, "-m", made, "--seed", "1", "--max-new-tokens", "3")
    assert run([*sample, "-o", output]) == 0, capsys.readouterr().err
    assert "春" in Path(output).read_text(encoding="utf-8-sig")
    assert json.loads(Path(f"{output}.manifest.json").read_bytes())["models"]["model"]["name"] == made
    assert run([*sample, "-o", output, "--resume"]) == 0
    assert run([*sample, "--json"]) == 0
    assert run(["models", "export", made, os.fsdecode(b"e\xff/x")]) == 0
    assert run(["models", "export", made, os.fsdecode(b"s\xff"), "--storage", "int8"]) == 0
    assert "fault" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "args",
    [
        ["sample", "春", "--model", "\udcff"],
        ["title", "\udcff.txt"],
        ["sample", "春", "--config", "\udcff.toml"],
        ["batch", "\udcff.toml"],
        ["eval", "\udcff.jsonl", "\udcfe.jsonl"],
        ["rewrite", "春天来了。", "--proposals", "\udcff"],
        ["train", "gpt2", "\udcff.txt", "-o", "\udcfe"],
        ["train", "gpt2", "x.txt", "-o", "y", "--start", "\udcff"],
        ["models", "add", "\udcff"],
        ["models", "remove", "\udcff"],
        ["models", "info", "\udcff"],
    ],
    ids=lambda args: " ".join(args[:2]).encode("ascii", "replace").decode(),
)
def test_what_is_not_there_is_told_in_one_line(folder, capsys, args):
    Path("x.txt").write_text("春天来了。\n", encoding="utf-8")
    assert run(args) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "fault" not in line
