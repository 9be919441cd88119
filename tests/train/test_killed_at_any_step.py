"""Killed at any step on the file system, a run can be done again by the same command, or with --force."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import Bench, Countdown, same

from textgen.errors import UsageError
from textgen.train.run_directory.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from textgen.train.run_directory.directory import RUN, begin_anew, check, read_settings, write_settings

STEPS = ((Path, "open"), (os, "replace"), (os, "rename"), (os, "unlink"), (os, "rmdir"), (os, "mkdir"))
MOST = 200  # operations of a run; it has some sixty
FINISHED = {"config.json", "curve.png", "CARD.md", "log.jsonl", "model.safetensors", "run.json", "run.lock"}
OPTIONS: dict[str, Any] = {"steps": 2, "save_every": 1}


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed(step: int) -> Iterator[None]:
    """Let no operation after that of a number take place."""
    done = 0

    def counted(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done > step:
                raise Killed
            return operation(*args, **kwargs)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for of, name in STEPS:
            patch.setattr(of, name, counted(getattr(of, name)))
        yield


def survives(bench: Bench, step: int, **options: Any) -> bool:
    """Whether a run gets to its end before a step."""
    try:
        with killed(step):
            return bench.train("gpt2", **OPTIONS | options).finished
    except Killed:
        return False


def check_finished(bench: Bench, like: str, where: str) -> None:
    assert same(bench.folder / "run", bench.folder / like), where
    left = {path.name for path in (bench.folder / "run").iterdir()} - {"tokenizer.model"}
    assert left <= FINISHED, where


@pytest.mark.slow
def test_a_new_run_is_done_again_without_force(bench: Bench) -> None:
    bench.train("gpt2", "whole", **OPTIONS)
    for step in range(MOST):
        bench.folder.joinpath("run").rename(bench.folder / f"before-{step}") if step else None
        if survives(bench, step):
            break
        where = f"killed at step {step}"
        assert bench.train("gpt2", resume=True, **OPTIONS).finished, where
        check_finished(bench, "whole", where)
    else:
        pytest.fail("it never ends")


@pytest.mark.slow
@pytest.mark.parametrize("finished", [False, True])
def test_a_run_that_replaces_another_can_be_begun_again(bench: Bench, finished: bool) -> None:
    bench.train("gpt2", "whole", **OPTIONS)
    for step in range(MOST):
        bench.train("gpt2", stopped=Countdown(9 if finished else 2), force=bool(step), seed=7, **OPTIONS)
        if survives(bench, step, force=True):
            break
        where = f"killed at step {step}"
        try:
            bench.train("gpt2", resume=True, **OPTIONS)
        except UsageError as error:
            assert error.hint == "force begins anew", where
            assert bench.train("gpt2", force=True, **OPTIONS).finished, where
        check_finished(bench, "whole", where)
    else:
        pytest.fail("it never ends")


@pytest.mark.parametrize("outcome", [{}, {"outcome": {"step": 2}}])
def test_what_is_half_deleted_is_still_a_run_that_force_replaces(
    tmp_path: Path, outcome: dict[str, Any]
) -> None:
    old = {"recipe": "gpt2", "options": {"seed": 1}, "sha256": {}, "inputs": [], "dev": []}
    new = old | {"options": {"seed": 2}}
    for step in range(MOST):
        run = tmp_path / str(step)
        (run / "checkpoint-00000002").mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "log.jsonl", "checkpoint-00000002/progress.json"):
            (run / name).touch()
        write_settings(run, old | outcome)
        try:
            with killed(step):
                begin_anew(run, new)
            break
        except Killed:
            pass
        found, where = read_settings(run), f"killed at step {step}"
        assert found is not None, where
        if not (run / "config.json").exists() or not (run / "checkpoint-00000002").exists():
            assert "outcome" not in found, where
        results = any(run.glob("*.safetensors")) or any(run.glob("checkpoint-*"))
        assert check(run, new, resume=False, force=True) or not results, where
    else:
        pytest.fail("it never ends")
    assert read_settings(run) == new
    assert {path.name for path in run.iterdir()} == {RUN}


def test_a_checkpoint_that_is_written_again_is_never_missing(tmp_path: Path) -> None:
    checkpoint = Checkpoint({"step": 5}, {"weights": {"a": torch.ones(2)}})
    save_checkpoint(tmp_path, 5, checkpoint)
    for step in range(MOST):
        try:
            with killed(step):
                save_checkpoint(tmp_path, 5, checkpoint)
            break
        except Killed:
            pass
        found = load_checkpoint(tmp_path)
        assert found is not None, f"killed at step {step}"
        assert torch.equal(found.tensors["weights"]["a"], torch.ones(2))
    else:
        pytest.fail("it never ends")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000005"]


def test_what_a_kill_has_left_of_the_last_clean_up_goes_with_the_next_run(bench: Bench) -> None:
    bench.train("gpt2", **OPTIONS)
    for name in ("checkpoint-00000002", "checkpoint.part", "data"):
        (bench.folder / "run" / name).mkdir(exist_ok=True)
        (bench.folder / "run" / name / "some").touch()
    assert bench.train("gpt2", resume=True, **OPTIONS).finished
    check_finished(bench, "run", "")


def test_a_directory_with_a_half_written_settings_is_still_empty(bench: Bench) -> None:
    run = bench.folder / "run"
    run.mkdir()
    (run / f"{RUN}.new").write_text('{"recipe"', encoding="utf-8")
    assert bench.train("gpt2", **OPTIONS).finished
    check_finished(bench, "run", "")
