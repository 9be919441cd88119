"""Two processes make the weights of one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from child import ended, start_two
from tiny import SHORT, Bench, furthest, some_pairs, some_texts, write_lines

from textgen.train.run_directory.log import read_log

# where rounding would flip what Adam makes of a gradient of nearly nothing
GENTLE = {"learning_rate": 1e-3, "weight_decay": 0.1}
RUNS: dict[str, dict[str, Any]] = {
    "gpt2": {"label_smoothing": 0.1, "ema": 0.5},
    "bert": {"gradient_penalty": 1.0, "accumulate": 3},
    "title": {"rdrop": 1.0, "fgm": 0.5, "replace": 0.4, "dev_metric": "rouge-l"},
}


def told(folder: Path) -> list[dict[str, Any]]:
    clocks = ("tokens_per_second", "seconds", "seconds_left")
    return [{k: v for k, v in entry.items() if k not in clocks} for entry in read_log(folder)]


@pytest.mark.parametrize("recipe", RUNS)
def test_two_processes_are_one(bench: Bench, recipe: str) -> None:
    """With eleven examples in batches of four, the last of an epoch has fewer."""
    rows = some_pairs(11) if recipe == "title" else some_texts(11)
    path = write_lines(bench.folder / "rows.jsonl", rows)
    dev = write_lines(bench.folder / "dev.jsonl", rows[2:5])
    options = SHORT | bench.starts(recipe) | GENTLE | {"dev": dev, "eval_every": 2} | RUNS[recipe]
    bench.train(recipe, "one", path, **options)
    for process in start_two(recipe, path, bench.folder / "two", options):
        assert ended(process) == 0, [log.read_text(encoding="utf-8") for log in bench.folder.glob("*.log")]
    assert 0 < furthest(bench.folder / "one", bench.folder / "two") < 1e-6
    ours, theirs = told(bench.folder / "one"), told(bench.folder / "two")
    assert [entry["step"] for entry in ours] == [entry["step"] for entry in theirs]
    for one, two in zip(ours, theirs, strict=True):
        for name in one.keys() & {"loss", "gradient_norm"}:
            assert two[name] == pytest.approx(one[name], rel=1e-4)
        assert two.get("figures", {}) == pytest.approx(one.get("figures", {}), rel=1e-4)


def test_a_process_may_have_nothing_to_do(bench: Bench) -> None:
    """A batch of one example, in a step that also moves the table."""
    options = SHORT | bench.starts("title") | GENTLE | {"fgm": 0.5, "batch_size": 1}
    path = write_lines(bench.folder / "rows.jsonl", some_pairs(3))
    bench.train("title", "one", path, **options)
    for process in start_two("title", path, bench.folder / "two", options):
        assert ended(process) == 0, [log.read_text(encoding="utf-8") for log in bench.folder.glob("*.log")]
    assert furthest(bench.folder / "one", bench.folder / "two") < 1e-6


@pytest.mark.slow
def test_a_launcher_starts_two(bench: Bench) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bench.train("gpt2", "one", **GENTLE)
    flags = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    flags += ["--dynamo_backend", "no", "--main_process_port", str(port), "-m", "textgen", "train", "gpt2"]
    given = SHORT | bench.starts("gpt2") | GENTLE
    options = [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    done = subprocess.run(
        [Path(sys.executable).with_name("accelerate"), "launch", *flags, bench.folder / "one.jsonl",
         "-o", bench.folder / "two", *options],
        env=os.environ | {"ACCELERATE_USE_CPU": "true"}, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert 0 < furthest(bench.folder / "one", bench.folder / "two") < 1e-6
