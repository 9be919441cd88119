"""Whose a directory is, when a run ends, and which model it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import Bench, Countdown, same, some_texts, weights_of, write_lines

from textgen.errors import UsageError
from textgen.events import Scored, Trained
from textgen.train.recipes.base import Recipe
from textgen.train.run_directory.log import read_log
from textgen.train.step.loop import Loop


@pytest.fixture
def dev(bench: Bench) -> Path:
    return write_lines(bench.folder / "dev.jsonl", some_texts(4))


def test_a_directory_in_use_is_refused(bench: Bench) -> None:
    bench.train("gpt2", stopped=Countdown(1))
    with pytest.raises(UsageError, match="not empty") as caught:
        bench.train("gpt2")
    assert "resume" in caught.value.hint
    other = bench.folder / "other"
    other.mkdir()
    (other / "novel.txt").write_text("mine", encoding="utf-8")
    for how in ({}, {"resume": True}, {"force": True}):
        with pytest.raises(UsageError, match="other"):
            bench.train("gpt2", "other", **how)
    assert (other / "novel.txt").read_text(encoding="utf-8") == "mine"
    (bench.folder / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        bench.train("gpt2", "file")


def test_force_begins_anew(bench: Bench) -> None:
    bench.train("gpt2", "whole", seed=1)
    bench.train("gpt2", stopped=Countdown(3))
    bench.train("gpt2", force=True, seed=1)
    assert same(bench.folder / "run", bench.folder / "whole")
    assert [entry["step"] for entry in read_log(bench.folder / "run")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("mistake", "said"), [({"weight": {"tv": 2.0}}, "weight tv"), ({"lora": 2}, "no layers to adapt")]
)
def test_what_is_refused_late_leaves_what_is_there(
    bench: Bench, mistake: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.train("gpt2", start="random", tokenizer=str(bench.tokenizer), width=16, heads=2)
    kept = weights_of(bench.folder / "run")
    monkeypatch.setattr("textgen.train.step.lora.adaptable", lambda module: False)
    if "weight" in mistake:  # which is known before a model writes anything
        monkeypatch.setattr(Recipe, "complete", lambda *_: pytest.fail("a model wrote for nothing"))
    with pytest.raises(UsageError, match=said):
        bench.train("gpt2", force=True, **mistake)
    assert before.finished
    assert not [path for path in (bench.folder / "run").iterdir() if path.name.startswith("data")]
    assert all(torch.equal(kept[name], weight) for name, weight in weights_of(bench.folder / "run").items())


def test_a_run_stopped_while_it_reads_begins_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.train("gpt2", "whole")
    monkeypatch.setattr("textgen.train.data.corpus.EVERY", 4)
    outcome = bench.train("gpt2", stopped=Countdown(2))
    assert (outcome.step, outcome.finished) == (0, False)
    assert not (bench.folder / "run" / "model.safetensors").exists()
    assert bench.train("gpt2", resume=True).finished
    assert same(bench.folder / "run", bench.folder / "whole")


def test_the_precision_of_the_launcher_is_that_of_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    with pytest.raises(UsageError, match="mixed precision is fp16"):
        bench.train("gpt2")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    bench.train("gpt2", stopped=Countdown(2))
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION")
    with pytest.raises(UsageError, match="precision was bf16, not fp32"):
        bench.train("gpt2", resume=True)
    assert bench.train("gpt2", resume=True, precision="bf16").finished


def test_a_field_that_a_recipe_does_not_read_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="title_field does not apply to train gpt2") as caught:
        bench.train("gpt2", title_field="name")
    assert "text_field" in str(caught.value.hint)
    with pytest.raises(UsageError, match="text_field and title_field both name 'title'"):
        bench.train("title", text_field="title")
    with pytest.raises(UsageError, match="no row has a field '来源'"):
        bench.train("gpt2", source_field="来源")


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"force": True}])
def test_of_two_in_one_directory_the_second_is_refused(bench: Bench, how: dict[str, Any]) -> None:
    bench.train("gpt2", "whole", steps=8, save_every=2)
    refused = []

    def second() -> bool:
        if len(read_log(bench.folder / "run")) == 5:
            with pytest.raises(UsageError) as caught:
                bench.train("gpt2", steps=8, save_every=2, **how)
            refused.append(str(caught.value))
        return False

    bench.train("gpt2", steps=8, save_every=2, stopped=second)
    (message,) = refused
    assert "is being written by another run" in message
    assert same(bench.folder / "run", bench.folder / "whole")


def test_minutes_stop_a_run_that_goes_on_later(bench: Bench) -> None:
    bench.train("gpt2", "whole", steps=3)
    steps = [bench.train("gpt2", steps=3, minutes=1e-9, resume=True).step for _ in range(3)]
    assert steps == [1, 2, 3]
    assert same(bench.folder / "run", bench.folder / "whole"), "the schedule is that of the whole run"


def test_epochs_make_steps(bench: Bench) -> None:
    rows = some_texts(10)
    assert bench.train("bert", "two", rows, epochs=2.0).steps == 2 * 3
    assert bench.train("bert", "some", rows, epochs=0.5).steps == 2
    trained = [event for event in bench.events if isinstance(event, Trained)]
    assert trained[-1].step == 2
    assert bench.train("bert", "default", rows, steps=None).steps == 3 * 3


def test_the_best_on_the_dev_file_is_kept(bench: Bench, dev: Path) -> None:
    """Here the first look is the best: afterwards the learning rate spoils it."""
    options = {"learning_rate": 0.5, "scheduler": "constant", "warmup": 0.0, "steps": 6}
    outcome = bench.train("gpt2", dev=dev, eval_every=1, **options)
    looks = [event for event in bench.events if isinstance(event, Scored)]
    assert [look.step for look in looks] == [1, 2, 3, 4, 5, 6]
    losses = [look.figures["loss"] for look in looks]
    best = losses.index(min(losses))
    assert best < 5
    assert outcome.figures == looks[best].figures
    assert [look.best for look in looks] == [loss == min(losses[: n + 1]) for n, loss in enumerate(losses)]
    bench.train("gpt2", "short", stopped=Countdown(best + 1), **options)
    assert same(bench.folder / "run", bench.folder / "short")


def test_it_ends_when_it_gets_no_better(bench: Bench, dev: Path) -> None:
    options = {"learning_rate": 0.5, "scheduler": "constant", "warmup": 0.0, "eval_every": 1, "steps": 40}
    outcome = bench.train("gpt2", dev=dev, patience=3, **options)
    looks = [event for event in bench.events if isinstance(event, Scored)]
    assert outcome.finished
    assert outcome.step == looks[-1].step < 40
    assert [look.best for look in looks[-4:]] == [True, False, False, False]
    again = bench.train("gpt2", dev=dev, patience=3, resume=True, **options)
    assert again == outcome
    interrupted = bench.train(
        "gpt2", "parts", dev=dev, patience=3, stopped=Countdown(outcome.step - 2), **options
    )
    assert not interrupted.finished
    rest = bench.train("gpt2", "parts", dev=dev, patience=3, resume=True, rows=bench.rows("gpt2"), **options)
    assert rest == outcome, "patience is counted across sessions"


def test_titles_may_be_judged_by_rouge(bench: Bench) -> None:
    rows = bench.rows("title")[:3]
    dev = write_lines(bench.folder / "dev.jsonl", rows)
    outcome = bench.train("title", dev=dev, dev_metric="rouge-l", dev_rows=2, eval_every=2, lora=2)
    assert set(outcome.figures) == {"loss", "rouge-l"}
    assert 0 <= outcome.figures["rouge-l"] <= 100


def test_every_storage_is_readable(bench: Bench) -> None:
    for storage, most in (("fp32", 0.0), ("fp16", 2e-3), ("int8", 0.05)):
        bench.train("gpt2", storage, storage=storage)
        bench.train("gpt2", f"from-{storage}", start=str(bench.folder / storage), learning_rate=1e-12)
        ours = weights_of(bench.folder / f"from-{storage}")["transformer.wte.weight"]
        theirs = weights_of(bench.folder / "fp32")["transformer.wte.weight"]
        assert float((ours - theirs).abs().max()) <= most + 1e-9


def test_speed_is_counted_without_looks(bench: Bench, dev: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that a step moves by a second, and a look by a thousand."""
    now = 0.0
    monkeypatch.setattr("textgen.train.session.time.monotonic", lambda: now)

    def passes(name: str, seconds: float) -> None:
        before = getattr(Loop, name)

        def timed(self: Loop, *args: Any) -> Any:
            nonlocal now
            now += seconds
            return before(self, *args)

        monkeypatch.setattr(Loop, name, timed)

    passes("step", 1.0)
    passes("dev_figures", 1000.0)
    bench.train("gpt2", rows=some_texts(8, length=30), dev=dev, steps=8, log_every=4, eval_every=3)
    speeds = [event.tokens_per_second for event in bench.events if isinstance(event, Trained)]
    assert len(speeds) == 3
    assert all(18 < speed <= 36 for speed in speeds), speeds  # four windows of nine ids a step
