"""A run that is stopped and goes on makes the weights of an undisturbed one, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import Bench, Countdown, same, some_pairs, some_texts, write_lines

from textgen.errors import UsageError
from textgen.events import Note
from textgen.train.run_directory.log import read_log

STEPS = 9
NOISY: dict[str, dict[str, Any]] = {
    "gpt2": {"dropout": 0.2, "ema": 0.5},
    "bert": {"dropout": 0.2, "rdrop": 1.0, "ema": 0.5, "weight": {"a": 0.5, "b": 1.5}},
    "title": {"dropout": 0.2, "ema": 0.5, "replace": 0.4, "fgm": 0.3, "accumulate": 2},
    "rnn-title": {"ema": 0.5, "replace": 0.4, "gradient_penalty": 0.0},
    "conditional": {"dropout": 0.2, "lora": 2, "null_share": 0.4},
}


def options_of(recipe: str) -> dict[str, Any]:
    return NOISY[recipe] | {"steps": STEPS, "eval_every": 3}


def dev_of(bench: Bench, recipe: str) -> Path:
    rows = some_pairs(3) if "title" in recipe else some_texts(3)
    return write_lines(bench.folder / "dev.jsonl", rows)


def rows_of(bench: Bench, recipe: str) -> list[dict[str, Any]]:
    return [row | {"source": "ab"[number % 2]} for number, row in enumerate(bench.rows(recipe))]


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The log but for what clocks say."""
    clocks = ("tokens_per_second", "seconds", "seconds_left")
    return [{k: v for k, v in entry.items() if k not in clocks} for entry in read_log(folder)]


@pytest.mark.parametrize("recipe", NOISY)
def test_stopped_anywhere_and_again(bench: Bench, recipe: str) -> None:
    options = options_of(recipe) | {"dev": dev_of(bench, recipe)}
    rows = rows_of(bench, recipe)
    whole = bench.train(recipe, "whole", rows, **options)
    assert (whole.step, whole.finished) == (STEPS, True)
    done = 0
    for steps in (1, 2, 4):
        done += steps
        part = bench.train(recipe, "parts", rows, resume=True, stopped=Countdown(steps), **options)
        assert (part.step, part.steps, part.finished) == (done, STEPS, False)
        assert (bench.folder / "parts" / "model.safetensors").is_file(), "a usable model"
    parts = bench.train(recipe, "parts", rows, resume=True, **options)
    assert parts == whole
    assert same(bench.folder / "parts", bench.folder / "whole")
    assert log_of(bench.folder / "parts") == log_of(bench.folder / "whole")


@pytest.mark.parametrize("recipe", ["gpt2", "title"])
def test_a_crash_between_checkpoints(bench: Bench, recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on from the last checkpoint; what the log and the model had beyond it is done again."""
    options = options_of(recipe) | {"dev": dev_of(bench, recipe), "save_every": 2}
    bench.train(recipe, "whole", **options)

    def crash() -> bool:
        if len(log_of(bench.folder / "crashed")) > 6:
            raise RuntimeError
        return False

    with pytest.raises(RuntimeError):
        bench.train(recipe, "crashed", stopped=crash, **options)
    before = log_of(bench.folder / "crashed")
    bench.train(recipe, "crashed", resume=True, **options)
    log = log_of(bench.folder / "crashed")
    assert log == log_of(bench.folder / "whole")
    assert log[: len(before)] == before
    steps = [entry["step"] for entry in log if entry["event"] == "trained"]
    assert steps == list(range(1, STEPS + 1))
    assert same(bench.folder / "crashed", bench.folder / "whole")


def test_a_torn_line_of_the_log_is_written_anew(bench: Bench) -> None:
    bench.train("gpt2", stopped=Countdown(3))
    with (bench.folder / "run" / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "trained", "st')
    bench.train("gpt2", resume=True)
    lines = (bench.folder / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5]


def test_without_a_checkpoint_it_begins_anew(bench: Bench) -> None:
    bench.train("gpt2", "whole")

    def crash() -> bool:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bench.train("gpt2", stopped=crash)
    bench.train("gpt2", resume=True)
    assert same(bench.folder / "run", bench.folder / "whole")


def test_where_nothing_is_there_a_resumed_run_begins(bench: Bench) -> None:
    assert bench.train("gpt2", resume=True).finished


def test_a_finished_run_says_so(bench: Bench) -> None:
    first = bench.train("gpt2")
    kept = {path: path.read_bytes() for path in (bench.folder / "run").iterdir()}
    assert bench.train("gpt2", resume=True) == first
    (note,) = bench.events
    assert isinstance(note, Note)
    assert "is finished after 5 steps" in note.text
    assert {path: path.read_bytes() for path in (bench.folder / "run").iterdir()} == kept


def test_a_finished_run_leaves_what_a_model_needs(bench: Bench) -> None:
    bench.train("gpt2", stopped=Countdown(2))
    names = {path.name for path in (bench.folder / "run").iterdir()}
    assert {"checkpoint-00000002", "data", "model.safetensors"} <= names
    bench.train("gpt2", resume=True)
    names = {path.name for path in (bench.folder / "run").iterdir()}
    assert not {name for name in names if name.startswith(("checkpoint", "data", "run.lock"))}
    assert {"config.json", "model.safetensors", "tokenizer.model", "run.json", "log.jsonl"} <= names


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seed": 4}, "seed was 0, not 4"),
        ({"learning_rate": 0.5}, "learning_rate was 0.01, not 0.5"),
        ({"steps": 6}, "steps was 5, not 6"),
        ({"ema": 0.5}, "ema was 0.0, not 0.5"),
        ({"weight": {"run.jsonl": 2.0}}, "weight"),
        ({"text_field": "body"}, "another fields"),
        ({"rows": some_texts(11)}, "the input has changed"),
        ({"dev": "dev.jsonl"}, "the dev file has changed"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_refused(bench: Bench, options: dict[str, Any], named: str, finished: bool) -> None:
    rows = [row | {"body": row["text"]} for row in bench.rows("gpt2")]
    bench.train("gpt2", rows=rows, stopped=Countdown(9 if finished else 2))
    log = (bench.folder / "run" / "log.jsonl").read_bytes()
    if "dev" in options:
        options = options | {"dev": write_lines(bench.folder / "dev.jsonl", rows)}
    with pytest.raises(UsageError, match=named) as caught:
        bench.train("gpt2", **{"rows": rows, "resume": True} | options)
    assert "force" in caught.value.hint
    assert (bench.folder / "run" / "log.jsonl").read_bytes() == log


def test_another_recipe_is_refused(bench: Bench) -> None:
    bench.train("gpt2", stopped=Countdown(2))
    with pytest.raises(UsageError, match="another recipe"):
        bench.train("bert", resume=True)


def test_what_changes_no_weights_may_be_another(bench: Bench) -> None:
    bench.train("gpt2", "whole")
    bench.train("gpt2", stopped=Countdown(2))
    bench.train("gpt2", resume=True, save_every=1, log_every=3, minutes=60.0)
    assert same(bench.folder / "run", bench.folder / "whole")
