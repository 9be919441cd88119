"""The command line on real input: what goes to stdout, what to stderr, and the exit codes."""

import io
import json
import os
import signal
import subprocess
import sys

import pytest
from refusals import refused

from textgen.backends.gpt2 import Gpt2Backend
from textgen.cli.main import run

ARTICLE = (
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"
    "馆方说，新增的时段由志愿者参与服务。"
)
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter


@small
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["title", "nowhere.txt"], 2, ["no such file: nowhere.txt"]),
        (["title", "folder"], 1, ["no texts in the folder folder"]),
        (["title", "shelf"], 1, ["no texts in the folder shelf", 'such as "shelf/**/*.txt"']),
        (["title", "empty.txt"], 1, ["empty.txt is empty"]),
        (["title", "blank.txt"], 1, ["empty"]),
        (["title", "picture.txt"], 1, ["picture.txt", "not a text file"]),
        (["title", "a.txt", "--model", "./broken"], 1, ["config.json"]),
        (["title", "a.txt", "--model", "titel"], 2, ["no model titel", "did you mean title"]),
        (["title", "a.txt", "--model", "uer/gpt2-chinese"], 2, ["no directory uer/gpt2-chinese", "hub id"]),
        (["title", "a.txt", "--model", "gpt2"], 2, ["gpt2 is a gpt2 model (the command sample writes texts"]),
        (["sample", "--model", "title"], 2, ["title is a title model"]),
        (["title", "a.txt", "--decode", "sample", "--top-p", "2"], 2, ["--top-p 2"]),
        (["title", "a.txt", "--beams", "0"], 2, ["--beams 0"]),
        (["title", "a.txt", "--beams", "two"], 2, ["'--beams': should be a whole number"]),
        (["title", "a.txt", "--temperature", "0.5"], 2, ["--temperature needs --decode sample"]),
        (["title", "a.txt", "--decode", "beams"], 2, ["--decode beams", "greedy"]),
        (["title", "a.txt", "--long", "all"], 2, ["--long all"]),
        (["title", "a.txt", "-n", "5", "--beams", "3"], 2, ["-n 5", "--beams 3"]),
        (["title", "a.txt", "--no-such-flag"], 2, ["--no-such-flag"]),
        (["title", "a.txt", "--config", "none.toml"], 2, ["none.toml"]),
        (["title", "a.txt", "--config", "a.txt"], 2, ["a.txt"]),
        (["title", "a.txt", "-o", "out.doc"], 2, ["out.doc"]),
        (["title", "t.jsonl", "-o", "t.jsonl"], 2, ["also an input"]),
        (["title", "a.txt", "-o", "t.jsonl"], 2, ["t.jsonl exists", "--force"]),
        (["title", "a.txt", "-o", "no/such/out.jsonl"], 2, ["cannot be written"]),
        (["title", "t.jsonl", "--field", "body"], 2, ["no field 'body'", "text"]),
        (["title"], 2, ["INPUT"]),
        (["sample", "--sweeps", "3"], 2, ["--sweeps does not apply to gpt2 models"]),
        (["sample", "--model", "bert", "--top-p", "0.3"], 2, ["--top-p does not apply to bert models"]),
        (["sample", "--model", "bert", "--keyword", "词"], 2, ["--keyword does not apply to bert models"]),
        (["sample", "--method", "mh"], 2, ["--method does not apply to gpt2 models"]),
        (["sample", "--model", "bert", "--energy", "raw"], 2, ["--energy needs --method mh or anneal"]),
        (["sample", "--model", "bert", "--block", "2"], 2, ["--block needs --scan block"]),
        (["sample", "--model", "bert", "--anneal", "1:0.3"], 2, ["--anneal needs --method anneal"]),
        (["sample", "--model", "bert", "--method", "anneal", "--anneal", "0.3:1"], 2, ["must not rise"]),
        (["sample", "--model", "bert", "--method", "anneal", "--thin", "2"], 2, ["--thin needs"]),
        (["sample", "--model", "bert", "--keep", "词"], 2, ["--keep needs a sentence"]),
        (["sample", " ", "--model", "bert", "--keep", "词"], 2, ["--keep needs a sentence"]),
        (
            ["sample", "--model", "bert", "-n", "9", "--chains", "1", "--sweeps", "6"],
            2,
            ["9 states of each", "record 4"],
        ),
        (
            ["sample", "今天很好", "--model", "bert", "--seed", "1", "--keep", "昨天"],
            1,
            ["昨天 is not in the sentence"],
        ),
        (["sample", "--model", "bert", "--length", "20-10"], 2, ["--length 20-10"]),
        (["sample", "--model", "bert", "--length", "long"], 2, ["--length long"]),
        (["sample", "--model", "bert", "--burn-in", "20"], 2, ["--burn-in 20"]),
        (["sample", "--model", "bert", "--stream"], 2, ["--stream"]),
        (["sample", "今天", "-i", "a.txt"], 2, ["-i"]),
        (["sample", "a.txt"], 2, ["a.txt is a file", "-i a.txt reads it", "-i - takes"]),
        (["compose", "春天", "a.txt"], 2, ["a.txt is a file", "-i a.txt reads it"]),
        (["rewrite", "a.txt"], 2, ["a.txt is a file", "-i a.txt reads it"]),
        (["correct", "a.txt"], 2, ["a.txt is a file", "-i a.txt reads it"]),
        (["fill", "my ___.txt"], 2, ["my ___.txt is a file", '-i "my ___.txt" reads it']),
        (["sample", "--stream", "--json"], 2, ["--stream"]),
        (["sample", "--temperature", "0"], 2, ["--temperature 0"]),
        (["models", "info", "bart"], 2, ["no model bart"]),
        (["models", "export", "bert", "folder", "--dtype", "int4"], 2, ["--dtype int4"]),
        (["models", "export", "bert", "full"], 2, ["full is not empty"]),
        (["sample", "-5度"], 2, ["-5度 is no option", "behind --, as in -- -5度"]),
        (["sample", "--length", "-5", "--seeed", "3"], 2, ["No such option: --seeed", "see --help"]),
        (["titel"], 2, ["titel"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_with_a_hint(call, tmp_path, monkeypatch, args, code, words):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "broken", "full"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "shelf" / "inner").mkdir(parents=True)
    for name in ("a.txt", "my ___.txt"):
        (tmp_path / name).write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "t.jsonl").write_text(json.dumps({"text": ARTICLE}) + "\n", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.txt").write_text(" \n\u3000\n", encoding="utf-8")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x08\x06")
    refused(call(*args), code, *words)


def test_models_are_listed_and_described(call):
    code, out, _ = call("models", "list")
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["bert", "gpt2", "title"]
    facts = json.loads(call("models", "info", "gpt2", "--json")[1])
    assert (facts["layers"], facts["width"], facts["positions"]) == (8, 512, 1024)


@small
def test_doctor_passes(call):
    code, out, _ = call("doctor", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["tests"] == {f"{name} sameness": True for name in ("title", "gpt2", "bert")}
    assert facts["models"] == ["bert", "gpt2", "title"]


def python(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, check=False, env={**os.environ, **env}, timeout=120
    )


def test_help_loads_neither_torch_nor_transformers():
    script = (
        "import sys; from textgen.cli.main import run\n"
        "codes = [run([*c, '--help']) for c in ([], ['title'], ['sample'], ['models'], ['doctor'])]\n"
        "heavy = {'torch', 'transformers', 'numpy', 'sentencepiece'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if heavy or any(codes) else 0)"
    )
    found = python("-c", script)
    assert found.returncode == 0, found.stderr


@small
def test_a_gbk_console_does_not_crash(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="gbk"))
    assert run(["sample", "😀✓", "--seed", "1", "--max-new-tokens", "2"]) == 0
    assert shown.getvalue().decode("utf-8").startswith("😀✓")


@small
@pytest.mark.parametrize(("chosen", "shown"), [("gbk", "?春"), ("gbk:ignore", "春"), ("utf-8", "😀春")])
def test_an_encoding_that_the_user_chose_is_obeyed(monkeypatch, chosen, shown):
    out = io.BytesIO()
    monkeypatch.setenv("PYTHONIOENCODING", chosen)
    encoding = chosen.partition(":")[0]
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    assert run(["sample", "😀春", "--seed", "1", "--max-new-tokens", "2"]) == 0
    assert out.getvalue().decode(encoding).startswith(shown)
    out.truncate(0), out.seek(0)
    assert run(["sample", "😀春", "--seed", "1", "--max-new-tokens", "2", "--json"]) == 0
    record = json.loads(out.getvalue().decode(encoding))
    assert record["candidates"][0]["text"].startswith("😀春")


def test_a_closed_pipe_is_no_error():
    command = [sys.executable, "-m", "textgen", "models", "list"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, error = process.communicate(timeout=120)
    assert error == b""
    assert process.returncode > 0


@small
def test_ctrl_c_ends_with_130(call, monkeypatch):
    monkeypatch.setattr(Gpt2Backend, "compute", lambda *_: signal.raise_signal(signal.SIGINT))
    assert call("sample", "春天", "--seed", "1") == (130, "", "interrupted\n")


def test_version(call):
    import textgen

    assert call("--version") == (0, f"textgen {textgen.__version__}\n", "")


@pytest.mark.parametrize(("name", "key"), [("as_json", "json"), ("inputs", "input")])
def test_a_file_has_one_name_for_an_option(call, tmp_path, name, key):
    config = tmp_path / "config.toml"
    config.write_text(f"{name} = true\n", encoding="utf-8")
    code, out, err = call("title", "a.txt", "--config", config)
    assert (code, out) == (2, "")
    assert err == f"error: --config {config}: no option {name} (files call it {key})\n"


def test_a_file_name_with_braces_is_shown_as_it_is(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "{@force}.toml").write_text("as_json = true\n", encoding="utf-8")
    code, _, err = call("title", "a.txt", "--config", "{@force}.toml")
    assert (code, err) == (2, "error: --config {@force}.toml: no option as_json (files call it json)\n")
