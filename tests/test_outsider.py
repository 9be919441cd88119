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
def call(site: Path, tmp_path: Path) -> Any:
    """Runs a command line in another process that sees the package."""

    def run(*args: Any) -> tuple[int, str, str]:
        path = os.pathsep.join([str(site), str(HERE.parent)])
        found = subprocess.run(
            [sys.executable, "-m", "textgen", *map(str, args)],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"},
        )
        return found.returncode, found.stdout, found.stderr

    return run


def test_what_does_not_import_or_has_a_name_in_use_is_a_line_and_no_failure(call: Any) -> None:
    code, out, err = call("sample", "--help")
    assert code == 0
    assert "nth-best" in out
    assert "Which of the most probable tokens is taken (default 2)." in " ".join(out.split())
    lines = err.splitlines()
    assert len(lines) == len(WARNINGS)
    for line, begin in zip(lines, WARNINGS, strict=True):
        assert line.startswith(begin)


def test_a_strategy_with_an_option(call: Any, tmp_path: Path) -> None:
    flags = ["--max-new-tokens", 6, "--end-at", "any"]
    best, second, greedy = (
        call("sample", PROMPT, *flags, *more)[:2]
        for more in (["--decode", "nth-best", "--nth", 1], ["--decode", "nth-best"], ["--decode", "greedy"])
    )
    assert best == greedy
    assert best[0] == second[0] == 0
    assert second != best
    code, _, err = call("sample", PROMPT, "--decode", "greedy", "--nth", 3)
    assert (code, "--nth needs --decode nth-best, not greedy" in err) == (2, True)
    assert call("sample", PROMPT, "--decode", "nth-best", "--nth", 10)[0] == 2


def test_its_option_is_in_config_files_and_manifests(call: Any, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(
        'command = "sample"\ninput = "prompts.piped"\noutput = "out.piped"\ndecode = "nth-best"\nnth = 3\n'
        'max_new_tokens = 2\nend_at = "any"\nbatch_size = 1\n',
        encoding="utf-8",
    )
    (tmp_path / "prompts.piped").write_text("".join(f"{n}|{PROMPT}\n" for n in range(9)), encoding="utf-8")
    code, _, err = call("batch", "job.toml", "--workers", 2, "-q")
    assert (code, err) == (0, "")
    rows = [line.split("|") for line in (tmp_path / "out.piped").read_text(encoding="utf-8").splitlines()]
    assert [row[0] for row in rows] == list("012345678")  # three windows, so that two processes compute
    assert rows[0][1].startswith(PROMPT)
    manifest = json.loads(next(tmp_path.glob("out.piped.*.json")).read_text(encoding="utf-8"))
    assert manifest["options"]["nth"] == 3


def test_a_metric(call: Any, tmp_path: Path) -> None:
    records = [{"id": "1", "candidates": [{"text": "春天，来了，真好"}], "model": "m"}]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (tmp_path / "records.jsonl").write_text(lines, encoding="utf-8")
    code, out, _ = call("eval", "records.jsonl", "--json")
    assert code == 0
    assert json.loads(out)["commas"] == 200


def test_a_backend(call: Any, tmp_path: Path) -> None:
    folder = tmp_path / "echo"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "outsider-echo"}), encoding="utf-8")
    (folder / "model.safetensors").touch()
    assert call("sample", "春天", "--model", folder, "--seed", 1)[:2] == (0, "天春\n")


def test_a_model_family(call: Any, tmp_path: Path) -> None:
    network = Bigram(BigramSizes(8192, 4, 64))
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        parameter.data.normal_(generator=generator)
    config = {"model_type": "bigram", "vocab_size": 8192, "width": 4, "span": 64, "order": 2}
    save_model(tmp_path / "toy", network, config, TOKENIZER, storage="fp32")
    flags = ["--decode", "greedy", "--end-at", "any", "--max-new-tokens", 4]
    code, out, _ = call("sample", "春天", "--model", "toy", *flags)
    assert code == 0
    assert out.startswith("春天")
    assert len(out.strip()) > 2
    assert json.loads(call("models", "info", "toy", "--json")[1])["kind"] == "bigram"
