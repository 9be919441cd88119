"""Threads of a command: how they wait, and how many the environment says there are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from textgen.cli.main import run
from textgen.compute import WAITING


@pytest.mark.parametrize("given", [None, "7"])
def test_threads_wait_a_moment_by_spinning_unless_the_user_says_how(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that it is put back
    if given is None:
        monkeypatch.delenv("GOMP_SPINCOUNT")
    else:
        monkeypatch.setenv("GOMP_SPINCOUNT", given)
    assert run(["--version"]) == 0
    assert os.environ["GOMP_SPINCOUNT"] == (given or WAITING["GOMP_SPINCOUNT"])


@pytest.mark.parametrize("more", [[], ["--stream"], ["-o", "o.jsonl"]])
def test_a_variable_without_a_number_is_one_line(
    small_as_shipped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGEN_THREADS", "many")
    assert run(["sample", "春天", *more, "--seed", "1"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == (
        "error: TEXTGEN_THREADS is 'many' (the environment variable is a number of threads, 1 or more)\n"
    )
    assert not [*tmp_path.iterdir()]


def test_the_variable_is_the_number_of_processes_of_a_run_over_files(
    small_as_shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    class StartedError(Exception):
        pass

    def pool(task: Any, workers: int) -> Any:
        started.append((task.place.threads, workers))
        raise StartedError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("textgen.batch.run.pool", pool)
    monkeypatch.setattr("textgen.compute.processors", lambda: 8)
    monkeypatch.setenv("TEXTGEN_THREADS", "3")
    (tmp_path / "in.txt").write_text("春天\n" * 40, encoding="utf-8")
    command = ["sample", "-i", "in.txt", "--seed", "1", "--batch-size", "1"]
    assert run([*command, "-o", "o.jsonl"]) == 1
    assert run([*command, "-o", "p.jsonl", "--workers", "5"]) == 1
    assert started == [(1, 3), (1, 5)]
