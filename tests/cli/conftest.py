"""A command line run in this process, and a folder with something to train on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from textgen.cli.main import run
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.tokenizers.training import train_tokenizer

PLACES = ("图书馆", "医院", "动物园", "气象台", "博物馆", "邮局")
NEWS = ("延长开放时间", "新开一条线路", "展出一批古画", "招收志愿者", "减免门票")
HELD_OUT = 4


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line and returns (exit code, stdout, stderr)."""

    def call(*args: object) -> tuple[int, str, str]:
        code = run([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture(scope="session")
def news() -> list[dict[str, str]]:
    """Articles with titles."""
    return [
        {"text": f"今天，本市{place}对外宣布，将{what}。办法可以查询公告。", "title": f"{place}{what}"}
        for place in PLACES
        for what in NEWS
    ]


@pytest.fixture(scope="session")
def small_tokenizer(tmp_path_factory: pytest.TempPathFactory, news: list[dict[str, str]]) -> Path:
    """A tokenizer of few pieces."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    train_tokenizer((row["text"] for row in news), path, TokenizerTrainOptions(latin_pieces=10))
    return path


@pytest.fixture
def newsroom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_tokenizer: Path, news: list[dict[str, str]]
) -> Path:
    """A folder to work in, with news.jsonl, dev.jsonl and a tokenizer in tok; runs draw no curves there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("textgen.train.session.draw_curve", lambda directory: directory)
    for name, rows in (("news", news[:-HELD_OUT]), ("dev", news[-HELD_OUT:])):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "tok").mkdir()
    (tmp_path / "tok" / "tokenizer.model").write_bytes(small_tokenizer.read_bytes())
    return tmp_path
