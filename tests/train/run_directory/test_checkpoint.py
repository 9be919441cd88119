"""A checkpoint is there as a whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import Bench, Countdown, same

import textgen.train.run_directory.checkpoint as module
from textgen.errors import ModelError, TextgenError
from textgen.train.run_directory.checkpoint import DRAFT, Checkpoint, load_checkpoint, save_checkpoint


def some(step: int) -> Checkpoint:
    tensors = {
        "weights": {"a": torch.full((2, 3), float(step)).T, "b": torch.tensor(step)},
        "optimizer": {"a.exp_avg": torch.full((2,), 1e-30)},
    }
    return Checkpoint({"step": step, "best": {"loss": 1.5}}, tensors)


def check(found: Checkpoint | None, wanted: Checkpoint) -> None:
    assert found is not None
    assert found.progress == wanted.progress
    assert found.tensors.keys() == wanted.tensors.keys()
    for group, tensors in wanted.tensors.items():
        assert found.tensors[group].keys() == tensors.keys()
        assert all(torch.equal(found.tensors[group][name], tensor) for name, tensor in tensors.items())


def test_it_comes_back_and_the_newest_counts(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "none") is None
    for step in (9, 10, 100):
        save_checkpoint(tmp_path, step, some(step))
        check(load_checkpoint(tmp_path), some(step))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000100"]


def test_of_two_that_a_crash_has_left_the_newer_counts(tmp_path: Path) -> None:
    for step in (100, 99):
        other = tmp_path / f"{step}"
        other.mkdir()
        save_checkpoint(other, step, some(step))
        (other / f"checkpoint-{step:08d}").rename(tmp_path / f"checkpoint-{step:08d}")
    check(load_checkpoint(tmp_path), some(100))


@pytest.mark.parametrize("fails", range(4))
def test_what_a_crash_has_left_half_written_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    """Killed after any of its files, or before the folder is renamed."""
    save_checkpoint(tmp_path, 1, some(1))
    write, written = module._write, 0

    def dies(path: Path, content: bytes) -> None:
        nonlocal written
        written += 1
        if written > fails:
            path.write_bytes(content[: len(content) // 2])
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_write", dies)
        if fails == 3:
            patch.setattr(Path, "replace", lambda *_: dies(tmp_path / "other", b""))
        save_checkpoint(tmp_path, 2, some(2))
    assert (tmp_path / DRAFT).is_dir()
    check(load_checkpoint(tmp_path), some(1))
    save_checkpoint(tmp_path, 3, some(3))
    check(load_checkpoint(tmp_path), some(3))
    assert not (tmp_path / DRAFT).exists()


def test_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, 1, some(1))

    def full(file: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(TextgenError, match="No space left") as caught:
        patch.setattr(module, "sync", full)
        save_checkpoint(tmp_path, 2, some(2))
    assert "resume" in caught.value.hint
    check(load_checkpoint(tmp_path), some(1))


@pytest.mark.parametrize("name", ["progress.json", "weights.safetensors"])
def test_a_broken_one_is_named(tmp_path: Path, name: str) -> None:
    save_checkpoint(tmp_path, 1, some(1))
    (tmp_path / "checkpoint-00000001" / name).write_bytes(b"{")
    with pytest.raises(ModelError, match="checkpoint-00000001") as caught:
        load_checkpoint(tmp_path)
    assert caught.value.hint


def test_a_run_ignores_a_draft(bench: Bench) -> None:
    bench.train("gpt2", "whole")
    bench.train("gpt2", stopped=Countdown(2))
    draft = bench.folder / "run" / DRAFT
    draft.mkdir()
    (draft / "weights.safetensors").write_bytes(b"torn")
    bench.train("gpt2", resume=True)
    assert same(bench.folder / "run", bench.folder / "whole")
    assert not draft.exists()
