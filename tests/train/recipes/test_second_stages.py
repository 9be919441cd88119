"""What holds for every recipe that learns from what a title model has written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from child import ended, start_two
from stages import Stages, make_writer
from tiny import SHORT, Bench, Countdown, furthest, gradients_of, same, some_pairs, write_lines

from textgen.events import Progress, Scored
from textgen.train.data import generated
from textgen.train.run import Outcome

FEW: dict[str, Any] = {"beams": 2, "samples": 2, "candidates": 4}
RECIPES = ["bidirectional", "title-rank"]
ALL: dict[str, Any] = {"label_smoothing": 0.1, "gradient_penalty": 1.0, "fgm": 0.5, "clip": 0.3}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path, tiny_models: Any) -> Path:
    return make_writer(tmp_path_factory.mktemp("writer"), tiny_tokenizer, tiny_models)


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stages(bench: Bench, writer: Path, recipe: str) -> Stages:
    return Stages(bench, writer, **(FEW if recipe == "title-rank" else {}))


@pytest.mark.parametrize("all_of_them", [False, True], ids=["plain", "all"])
def test_parts_change_nothing_but_rounding(stages: Stages, recipe: str, all_of_them: bool) -> None:
    own: dict[str, Any] = {"margin": 0.4} if recipe == "title-rank" else {}
    added = ALL | ({"rdrop": 1.0} if recipe == "bidirectional" else {}) if all_of_them else {}
    arrays = stages.written(stages.recipe(recipe))
    whole, parts = (
        gradients_of(
            stages.loop_over(arrays, recipe, accumulate=count, **own, **added), [3, 0, 7, 5, 2, 6, 1]
        )
        for count in (1, 3)
    )
    assert max(float(gradient.abs().max()) for gradient in whole.values()) > 1e-3
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, rtol=1e-4, atol=1e-6)


def test_stopped_anywhere_and_again(stages: Stages, recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it writes, too."""
    monkeypatch.setattr(generated, "AT_ONCE", 4)
    noisy: dict[str, Any] = {"dropout": 0.2, "ema": 0.5, "replace": 0.4, "accumulate": 2}
    dev = write_lines(stages.folder / "dev.jsonl", some_pairs(13)[10:])
    options = noisy | {"dev": dev, "eval_every": 3, "dev_metric": "rouge-l"}
    whole = stages.train(recipe, "whole", **options)
    assert {event.total for event in stages.events if isinstance(event, Progress)} >= {10, 3}
    looks = [event for event in stages.events if isinstance(event, Scored)]
    assert [set(look.figures) for look in looks] == [{"loss", "rouge-l"}] * 2
    for asked in (2, 2):
        part = stages.train(recipe, "parts", resume=True, stopped=Countdown(asked), **options)
        assert part == Outcome(0, 5, finished=False, figures={})
    part = stages.train(recipe, "parts", resume=True, stopped=Countdown(3), **options)
    assert not part.finished
    assert part.step > 0
    assert stages.train(recipe, "parts", resume=True, **options) == whole
    assert same(stages.folder / "parts", stages.folder / "whole")
    assert not [path for path in (stages.folder / "parts").iterdir() if path.name.startswith("data")]


@pytest.mark.parametrize(
    "recipe", [pytest.param("bidirectional", marks=pytest.mark.slow), "title-rank"], indirect=True
)
def test_two_processes_are_one(stages: Stages, recipe: str) -> None:
    """The first writes, and both take what it has written."""
    rows = write_lines(stages.folder / "rows.jsonl", some_pairs(11))
    dev = write_lines(stages.folder / "dev.jsonl", some_pairs(14)[11:])
    gentle: dict[str, Any] = {"learning_rate": 1e-3, "weight_decay": 0.1, "dev": dev, "eval_every": 2}
    options = SHORT | stages.starts(recipe) | gentle | {"replace": 0.4, "fgm": 0.5}
    one = stages.train(recipe, "one", rows, **options)
    for process in start_two(recipe, rows, stages.folder / "two", options):
        assert ended(process) == 0, [log.read_text(encoding="utf-8") for log in stages.folder.glob("*.log")]
    assert 0 < furthest(stages.folder / "one", stages.folder / "two") < 1e-6
    assert one.finished
