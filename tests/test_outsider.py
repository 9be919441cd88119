"""Another package adds one thing of every kind to textgen: it is really installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from outsider.network import Bigram, BigramSizes
from small_titles import TOKENIZER

from textgen.store.save import save_model

HERE = Path(__file__).parent
PROMPT = "春天的公园里，"
COMMANDS = """
import io, json, sys
from textgen.cli.main import run
told = []
for args in json.load(sys.stdin):
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    found = [run(args)]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        found.append(stream.buffer.getvalue().decode())
    told.append(found)
json.dump(told, sys.__stdout__)
"""
WARNINGS = (
    "warning: broken of outsider in textgen.strategies is left out: ModuleNotFoundError: ",
    "warning: greedy of outsider in textgen.strategies is left out: the name is taken",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package is installed, as pip does it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--disable-pip-version-check", "--target", str(folder), str(HERE / "outsider")]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def python(site: Path, tmp_path: Path) -> Any:
    """Runs Python in another process that sees the package, beside a model of its family."""
    make_bigram(tmp_path / "toy")

    def run(*args: Any, **more: Any) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(site), str(HERE.parent)])
        return subprocess.run(
            [sys.executable, *map(str, args)],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"},
            **more,
        )

    return run


def make_bigram(folder: Path) -> None:
    network = Bigram(BigramSizes(8192, 4, 64))
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        parameter.data.normal_(generator=generator)
    config = {"model_type": "bigram", "vocab_size": 8192, "width": 4, "span": 64, "order": 2}
    save_model(folder, network, config, TOKENIZER, storage="fp32")


def test_what_does_not_import_or_has_a_name_in_use_is_a_line_and_no_failure(python: Any) -> None:
    told = python("-m", "textgen", "sample", "--help")
    assert told.returncode == 0
    assert "nth-best" in told.stdout
    assert "Which of the most probable tokens is taken (default 2)." in " ".join(told.stdout.split())
    lines = told.stderr.splitlines()
    assert len(lines) == len(WARNINGS)
    for line, begin in zip(lines, WARNINGS, strict=True):
        assert line.startswith(begin)


def test_a_job_file_with_its_option_and_its_format(python: Any, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(
        'command = "sample"\ninput = "prompts.piped"\noutput = "out.piped"\ndecode = "nth-best"\nnth = 3\n'
        'model = "toy"\nmax_new_tokens = 2\nend_at = "any"\nbatch_size = 1\n',
        encoding="utf-8",
    )
    (tmp_path / "prompts.piped").write_text("".join(f"{n}|{PROMPT}\n" for n in range(9)), encoding="utf-8")
    told = python("-m", "textgen", "batch", "job.toml", "--workers", 2, "-q")
    assert (told.returncode, told.stderr) == (0, "")
    rows = [line.split("|") for line in (tmp_path / "out.piped").read_text(encoding="utf-8").splitlines()]
    assert [row[0] for row in rows] == list("012345678")  # three windows, so that two processes compute
    assert rows[0][1].startswith(PROMPT)
    manifest = json.loads(next(tmp_path.glob("out.piped.*.json")).read_text(encoding="utf-8"))
    assert manifest["options"]["nth"] == 3


def test_a_strategy_a_metric_a_backend_and_a_family(python: Any, tmp_path: Path) -> None:
    """All in one process."""
    records = [{"id": "1", "candidates": [{"text": "春天，来了，真好"}], "model": "m"}]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (tmp_path / "records.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "config.json").write_text('{"model_type": "outsider-echo"}', encoding="utf-8")
    (tmp_path / "echo" / "model.safetensors").touch()
    sample = ["sample", "春天", "--model", "toy", "--end-at", "any", "--max-new-tokens", "6", "--decode"]
    commands = {
        "best": [*sample, "nth-best", "--nth", "1"],
        "second": [*sample, "nth-best"],
        "greedy": [*sample, "greedy"],
        "not its option": [*sample, "greedy", "--nth", "3"],
        "out of range": [*sample, "nth-best", "--nth", "10"],
        "metric": ["eval", "records.jsonl", "--json"],
        "backend": ["sample", "春天", "--model", "echo", "--seed", "1"],
        "family": ["models", "info", "toy", "--json"],
    }
    done = python("-c", COMMANDS, input=json.dumps(list(commands.values())))
    assert done.returncode == 0, done.stderr
    told = dict(zip(commands, json.loads(done.stdout), strict=True))
    assert told["best"][:2] == told["greedy"][:2]
    assert told["best"][0] == told["second"][0] == 0
    assert told["second"][1] != told["best"][1]
    assert told["best"][1].startswith("春天")
    assert len(told["best"][1].strip()) > 2
    assert told["not its option"][0] == 2
    assert "--nth needs --decode nth-best, not greedy" in told["not its option"][2]
    assert told["out of range"][0] == 2
    assert (told["metric"][0], json.loads(told["metric"][1])["commas"]) == (0, 200)
    assert told["backend"][:2] == [0, "天春\n"]
    assert json.loads(told["family"][1])["kind"] == "bigram"
