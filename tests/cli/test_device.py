"""The device of the commands that generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from textgen.batch.planner import plan
from textgen.batch.run import stream
from textgen.cli.main import run
from textgen.models import place
from textgen.models.place import Place

COMMANDS = [
    ["title", "in.txt"],
    ["sample", "春天"],
    ["sample", "春天", "--stream"],
    ["sample", "--model", "bert"],
    ["compose", "春天"],
    ["rewrite", "今天天气很好。"],
    ["correct", "今天天气很好。"],
    ["fill", "今天___很好。"],
    ["title", "in.txt", "-o", "out.jsonl"],
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, "has_gpu", lambda: False)
    Path("in.txt").write_text("今天天气很好。", encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_gpu_that_is_not_there_is_refused_in_one_line(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run([*command, "--device", "cuda"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == (
        "error: --device cuda: torch finds no GPU here (--device auto takes what the machine has)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_the_device_is_an_option_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("run.toml").write_text('device = "cuda"\n', encoding="utf-8")
    assert run(["sample", "春天", "--config", "run.toml"]) == 2
    assert "device cuda: torch finds no GPU here (device auto" in capsys.readouterr().err
    Path("job.toml").write_text(
        'command = "title"\ninput = "in.txt"\noutput = "o.csv"\ndevice = "tpu"\n', encoding="utf-8"
    )
    assert run(["batch", "job.toml"]) == 2
    assert "device tpu: should be 'auto', 'cpu' or 'cuda'" in capsys.readouterr().err


def test_on_the_processor_every_command_computes_there(small_as_shipped: Path) -> None:
    for asked in ("auto", "cpu"):
        assert plan("sample", ["in.txt"], {"device": asked, "seed": 1}).task.place == Place("cpu")


def test_a_gpu_computes_for_one_process(small_as_shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.batch.planner.choose_device", lambda asked: asked.replace("auto", "cuda"))
    monkeypatch.setattr("textgen.compute.processors", lambda: 8)
    started: list[Any] = []

    class StartedError(Exception):
        pass

    def one(task: Any) -> Any:
        started.append((task.place.device, task.files.precision, 1))
        raise StartedError

    def several(task: Any, workers: int) -> Any:
        started.append((task.place.device, task.files.precision, workers))
        raise StartedError

    monkeypatch.setattr("textgen.batch.run.Worker", one)
    monkeypatch.setattr("textgen.batch.run.pool", several)
    Path("many.txt").write_text("春天\n" * 9, encoding="utf-8")
    monkeypatch.setenv("TEXTGEN_THREADS", "2")
    for more in ({}, {"workers": 3}, {"device": "cpu", "precision": "fp32"}):
        options = {"seed": 1, "batch_size": 1, "lines": True} | more
        job = plan("sample", ["many.txt"], options, "out.jsonl")
        with pytest.raises(StartedError):
            next(stream(job))
    assert started == [("cuda", "bf16", 1), ("cuda", "bf16", 3), ("cpu", "fp32", 2)]


@pytest.mark.parametrize(("gpus", "device"), [(0.5, "cuda"), (0, "cpu")])
def test_a_cluster_has_its_own_devices(small_as_shipped: Path, gpus: float, device: str) -> None:
    job = plan("sample", ["in.txt"], {"seed": 1, "engine": "ray", "num_gpus": gpus})
    assert job.task.place == Place(device, 1)
    here = plan("sample", ["in.txt"], {}).task.files.precision
    assert job.task.files.precision == ("bf16" if gpus else here)
