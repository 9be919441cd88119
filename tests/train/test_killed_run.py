"""Killed at any moment, a run that goes on makes the weights of an undisturbed one, bit for bit."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest
from child import PATIENCE, SERVER, start
from tiny import SHORT, Bench, same, write_lines

from textgen.train.run_directory.log import LOG, read_log

STEPS = 60
RUNS: dict[str, dict[str, Any]] = {
    "gpt2": {"dropout": 0.2, "ema": 0.9},
    "bert": {"dropout": 0.2, "ema": 0.9, "accumulate": 2},
    "title": {"dropout": 0.2, "ema": 0.9, "replace": 0.4},
}


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def steps_of(folder: Path) -> list[int]:
    return [entry["step"] for entry in read_log(folder)]


@pytest.mark.parametrize(
    "recipe", ["gpt2", *(pytest.param(name, marks=pytest.mark.slow) for name in RUNS if name != "gpt2")]
)
def test_killed_at_three_moments(bench: Bench, recipe: str) -> None:
    options = SHORT | bench.starts(recipe) | RUNS[recipe] | {"steps": STEPS, "save_every": 7}
    rows = write_lines(bench.folder / "rows.jsonl", bench.rows(recipe))
    bench.train(recipe, "whole", rows, **options)
    killed, moments = bench.folder / "killed", random.Random(recipe)
    for least in (1, 18, 35):
        target = least + moments.randrange(12)
        gate, theirs = SERVER.Pipe()
        process = start(recipe, rows, killed, options | {"resume": True}, gate=theirs)
        theirs.close()
        for _ in range(moments.randrange(1, 4)):  # so many steps it is ahead of its killer
            gate.send("go on")
        while lines(killed / LOG) < target:
            assert gate.poll(PATIENCE), "it hangs"
            gate.recv()
            gate.send("go on")
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert len(steps_of(killed)) >= 35
    outcome = bench.train(recipe, "killed", rows, resume=True, **options)
    assert outcome.finished
    assert steps_of(killed) == list(range(1, STEPS + 1))
    assert same(killed, bench.folder / "whole")
