"""What `textgen train` refuses: one line with the file and the line, and the exit code of the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from refusals import refused

Call = Callable[..., tuple[int, str, str]]
PAIR = {"text": "今天天气好。", "title": "天气"}
FILES = {
    "broken.jsonl": json.dumps(PAIR) + "\n{broken\n",
    "untitled.jsonl": json.dumps(PAIR) + "\n" + json.dumps({"text": "今天"}) + "\n",
    "null.jsonl": json.dumps(PAIR | {"title": None}) + "\n",
    "number.jsonl": json.dumps(PAIR | {"title": 5}) + "\n",
    "blank.jsonl": json.dumps(PAIR) + "\n" + json.dumps(PAIR | {"text": " \u3000"}) + "\n",
    "lone.jsonl": json.dumps(PAIR) + '\n{"text": "\\ud800", "title": "x"}\n',
    "empty.txt": "",
    "plain.txt": "今天天气好。\n",
    "title.csv": "title,text\n天气,今天天气好。\n,明天\n",
    "nosuch.toml": "[train]\nnosuch = 1\n",
    "shares.toml": '[train]\nmask_rate = ["0.1", "0.4"]\n',
    "titel.toml": "[train.titel]\nsteps = 1\n",
    "other.toml": "train = 1\n",
}


@pytest.fixture(autouse=True)
def files(newsroom: Path) -> None:
    for name, content in FILES.items():
        (newsroom / name).write_text(content, encoding="utf-8")
    (newsroom / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x08\x06")
    (newsroom / "folder").mkdir()
    (newsroom / "full").mkdir()
    (newsroom / "full" / "x").touch()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("titel news.jsonl -o run", ["No such command 'titel'", "Did you mean 'title'"]),
        ("rnn-title", ["INPUT"]),
        ("rnn-title news.jsonl", ["--output"]),
        ("rnn-title nowhere.jsonl -o run", ["no such file: nowhere.jsonl"]),
        ("rnn-title news.jsonl -o run --dev nowhere.jsonl", ["no such file: nowhere.jsonl"]),
        ("rnn-title news.jsonl -o run --beam 3", ["No such option: --beam"]),
        ("rnn-title news.jsonl -o run --dropout 1", ["--dropout 1.0", "less than 1"]),
        ("rnn-title news.jsonl -o run --epochs two", ["--epochs", "number"]),
        ("rnn-title news.jsonl -o run --epochs 1 --steps 1", ["--epochs and --steps exclude each other"]),
        ("rnn-title news.jsonl -o run --scheduler step", ["--scheduler step", "linear"]),
        ("rnn-title news.jsonl -o run --width 20", ["--width 20"]),
        ("rnn-title news.jsonl -o run --lora 2", ["--lora"]),
        ("rnn-title news.jsonl -o run --weight news", ["--weight news: must be like news=0.25"]),
        ("rnn-title news.jsonl -o run --weight tv=-1", ["--weight tv=-1: must be 0 to 100", "tv is -1"]),
        ("rnn-title news.jsonl -o run --weight tv=2", ["--weight tv", "news.jsonl"]),
        ("rnn-title news.jsonl -o run --start bert", ["--start bert is a bert model"]),
        ("rnn-title news.jsonl -o run --tokenizer nowhere", ["no model nowhere"]),
        ("rnn-title news.jsonl -o run --format xml", ["--format xml", "jsonl"]),
        ("rnn-title news.jsonl -o run --threads 0", ["--threads"]),
        ("rnn-title news.jsonl -o news.jsonl", ["news.jsonl is a file"]),
        ("rnn-title news.jsonl -o full", ["full is not empty", "another directory"]),
        ("rnn-title news.jsonl -o full --resume", ["full is not empty", "another directory"]),
        ("rnn-title news.jsonl -o full --force", ["full holds something that is no run"]),
        ("rnn-title news.jsonl -o run --config none.toml", ["none.toml"]),
        ("rnn-title news.jsonl -o run --config nosuch.toml", ["nosuch does not apply to train rnn-title"]),
        ("rnn-title news.jsonl -o run --config other.toml", ["other.toml: train is not a table"]),
        (
            "rnn-title news.jsonl -o run --text-field body",
            ["news.jsonl", "'body'", "--field one of: text, title"],
        ),
        (
            "rnn-title news.jsonl -o run --title-field name",
            ["news.jsonl", "'name'", "--title-field one of: title"],
        ),
        ("rnn-title plain.txt -o run", ["plain.txt", "'title'", "table"]),
        ("conditional news.jsonl -o run", ["news.jsonl", "'label'", "--label-field one of: title"]),
        ("conditional news.jsonl -o run --start bert --replace 0.3", ["--replace", "not for a bert"]),
        ("conditional news.jsonl -o run --start gpt2 --mask-rate 0.3", ["--mask-rate", "not for a gpt2"]),
        ("rnn-title news.jsonl -o run --replace-from input", ["--replace-from needs --replace"]),
        ("gpt2 news.jsonl -o run --title-field name", ["No such option: --title-field"]),
        ("bert news.jsonl -o run --config shares.toml", ["mask_rate", "should be a number"]),
        ("rnn-title news.jsonl -o run --config titel.toml", ["no recipe titel", "title-rank"]),
        ("title news.jsonl -o run --start gpt2", ["--start gpt2 is a gpt2 model"]),
        ("title news.jsonl -o run --start nowhere", ["no model nowhere"]),
        ("gpt2 news.jsonl -o run --window 2000", ["--window 2000"]),
        ("gpt2 news.jsonl -o run --lora 2", ["--lora adapts weights that are there"]),
        ("gpt2 news.jsonl -o run --heads 3", ["--heads 3 does not divide"]),
        ("gpt2 news.jsonl -o run --precision fp8", ["--precision fp8", "bf16"]),
    ],
)
def test_what_is_wrong_with_the_command(call: Call, args: str, words: list[str]) -> None:
    refused(call("train", *args.split()), 2, *words)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ("broken.jsonl", ["broken.jsonl: line 2 is not JSON"]),
        ("news.jsonl broken.jsonl", ["broken.jsonl: line 2 is not JSON"]),
        ("untitled.jsonl", ["untitled.jsonl, line 2: no field 'title'"]),
        ("null.jsonl", ["null.jsonl, line 1: no field 'title'"]),
        ("number.jsonl", ["number.jsonl, line 1: no text in the field 'title'"]),
        ("blank.jsonl", ["blank.jsonl, line 2: nothing in the field 'text'"]),
        ("lone.jsonl", ["lone.jsonl, line 2", "surrogate"]),
        ("title.csv", ["title.csv, line 3: nothing in the field 'title'"]),
        ("picture.txt", ["picture.txt is not a text file"]),
        ("empty.txt", ["empty.txt is empty"]),
        ("folder", ["no texts in the folder folder"]),
        ("news.jsonl --dev untitled.jsonl", ["untitled.jsonl, line 2: no field 'title'"]),
        ("news.jsonl --dev empty.txt", ["empty.txt is empty"]),
    ],
)
def test_what_is_wrong_with_a_row(call: Call, inputs: str, words: list[str]) -> None:
    args = ("--tokenizer", "tok", "--width", 16, "--steps", 1)
    refused(call("train", "rnn-title", *inputs.split(), "-o", "run", *args), 1, *words)


def test_a_debugged_mistake_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    from textgen.cli.main import run

    assert run(["train", "rnn-title", "broken.jsonl", "-o", "run", "--tokenizer", "tok", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
