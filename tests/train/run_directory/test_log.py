"""What a run tells of itself: its log, its events, its curves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny import Bench, some_texts, write_lines

from textgen.events import Scored, Trained
from textgen.train.run_directory.log import CURVE, Log, draw_curve, read_log


@pytest.fixture
def no_curves() -> None:
    """Here they are drawn."""


def test_the_log_has_what_was_told(bench: Bench) -> None:
    dev = write_lines(bench.folder / "dev.jsonl", some_texts(3))
    bench.train("bert", dev=dev, steps=7, log_every=3, eval_every=4)
    told = [event for event in bench.events if isinstance(event, Trained | Scored)]
    log = read_log(bench.folder / "run")
    assert [(entry["event"], entry["step"]) for entry in log] == [
        ("trained", 1), ("trained", 3), ("scored", 4), ("trained", 6), ("trained", 7), ("scored", 7),
    ]  # fmt: skip
    for event, entry in zip(told, log, strict=True):
        assert entry["step"] == event.step
        if isinstance(event, Trained):
            assert entry["loss"] == pytest.approx(event.loss, abs=1e-6)
            assert event.epoch == (event.step - 1) // 3 + 1
        else:
            assert entry["figures"]["loss"] == pytest.approx(event.figures["loss"], abs=1e-6)
    assert told[-2].seconds_left == 0


def test_a_loss_is_the_mean_since_the_one_before(bench: Bench) -> None:
    bench.train("bert", "each", steps=4, log_every=1)
    each = [entry["loss"] for entry in read_log(bench.folder / "each")]
    bench.train("bert", "pairs", steps=4, log_every=2)
    second = {entry["step"]: entry["loss"] for entry in read_log(bench.folder / "pairs")}
    assert second[1] == pytest.approx(each[0], abs=1e-5)
    assert min(each[2:]) < second[4] < max(each[2:])
    assert second[2] == pytest.approx(each[1], abs=1e-5)


def test_the_curves_are_drawn(bench: Bench) -> None:
    dev = write_lines(bench.folder / "dev.jsonl", bench.rows("title")[:2])
    bench.train("title", dev=dev, dev_metric="rouge-l")
    image = (bench.folder / "run" / CURVE).read_bytes()
    assert image.startswith(b"\x89PNG")
    assert len(image) > 10_000


def test_of_an_empty_log_a_curve_is_drawn_too(tmp_path: Path) -> None:
    Log(tmp_path)
    assert draw_curve(tmp_path) == tmp_path / CURVE


@pytest.mark.parametrize(
    ("content", "steps"),
    [
        ("", []),
        ('{"event": "trained", "step": 1}\n{"event": "tra', [1]),
        ('{"event": "trained", "step": 1}\n\x00\x00\x00', [1]),
        ('{"event": "trained", "step": 1}\n{"event": "trained", "step": 2}\n', [1, 2]),
    ],
)
def test_a_log_is_read_as_far_as_it_is_whole(tmp_path: Path, content: str, steps: list[int]) -> None:
    assert read_log(tmp_path) == []
    (tmp_path / "log.jsonl").write_text(content, encoding="utf-8")
    assert [entry["step"] for entry in read_log(tmp_path)] == steps
    Log(tmp_path, 1).write(Scored(2, {"loss": 0.123456789}, best=True))
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [*([1] if steps else []), 2]
