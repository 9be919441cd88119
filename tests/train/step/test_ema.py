"""The moving average of weights: its closed form, and that it is what a run keeps."""

from __future__ import annotations

from math import prod

import pytest
import torch
from tiny import Bench, Countdown, weights_of

from textgen.train.step.ema import MovingAverage


def decay_at(step: int, most: float) -> float:
    return min(most, (1 + step) / (10 + step))


def test_constant_weights_are_their_own_average() -> None:
    weights = {"a": torch.tensor([0.1, 3.7, -1e-8])}
    average = MovingAverage(weights, 0.99)
    for step in range(1, 50):
        average.update(weights, step)
    assert torch.equal(average.averages["a"], weights["a"])


@pytest.mark.parametrize("most", [0.3, 0.9, 0.9999])
def test_after_k_steps_it_has_its_closed_form(most: float) -> None:
    """Weights w_k enter with 1 - d_k, and every later step leaves d of what was there."""
    history = torch.randn(31, generator=torch.Generator().manual_seed(1), dtype=torch.double).tolist()
    average = MovingAverage({"a": torch.tensor([history[0]])}, most)
    for step, value in enumerate(history[1:], 1):
        average.update({"a": torch.tensor([value])}, step)
        left, closed = 1.0, 0.0
        for earlier in range(step, 0, -1):
            closed += left * (1 - decay_at(earlier, most)) * history[earlier]
            left *= decay_at(earlier, most)
        closed += left * history[0]
        assert float(average.averages["a"]) == pytest.approx(closed, abs=1e-6)


def test_averages_stand_in_and_weights_come_back() -> None:
    weights = {"a": torch.nn.Parameter(torch.tensor([1.0, 2.0])), "b": torch.tensor([5.0])}
    average = MovingAverage(weights, 0.5)
    weights["a"].data.add_(1)
    average.update(weights, 1)
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    with pytest.raises(KeyError), average.in_place(weights):
        assert torch.equal(weights["a"].detach(), average.averages["a"])
        assert not torch.equal(weights["a"].detach(), before["a"])
        raise KeyError
    assert all(torch.equal(weights[name].detach(), before[name]) for name in before)
    assert weights["a"].requires_grad


def test_averages_are_kept_in_single_precision() -> None:
    """In half precision steps of a 256th would be lost."""
    weights = {"a": torch.tensor([1.0], dtype=torch.bfloat16)}
    average = MovingAverage(weights, 0.999)
    weights["a"] += 1
    for step in range(1000, 1100):
        average.update(weights, step)
    assert average.averages["a"].dtype == torch.float32
    expected = 2 - prod(decay_at(step, 0.999) for step in range(1000, 1100))
    assert float(average.averages["a"]) == pytest.approx(expected, abs=2e-3)
    with average.in_place(weights):
        assert weights["a"].dtype == torch.bfloat16


def test_averages_do_not_follow_the_weights_they_were_made_from() -> None:
    weights = {"a": torch.tensor([1.0])}
    average = MovingAverage(weights, 0.9)
    weights["a"] += 1
    assert average.averages["a"].tolist() == [1.0]


@pytest.mark.parametrize("recipe", ["gpt2", "title"])
def test_a_run_saves_the_average(bench: Bench, recipe: str) -> None:
    """Of weights that are read off after every step of a run without it."""
    steps, name = 4, {"gpt2": "transformer.wte.weight", "title": "prior.t"}[recipe]
    options = {"steps": steps, "scheduler": "constant"}
    bench.train(recipe, "averaged", ema=0.2, **options)
    history = []
    for step in range(1, steps + 1):
        bench.train(recipe, f"{step}", stopped=Countdown(step), **options)
        history.append(weights_of(bench.folder / f"{step}")[name])
    start = weights_of(bench.models[recipe])[name] if recipe == "gpt2" else torch.zeros_like(history[0])
    average = start
    for step, weight in enumerate(history, 1):
        average = average + (1 - decay_at(step, 0.2)) * (weight - average)
    found = weights_of(bench.folder / "averaged")[name]
    torch.testing.assert_close(found, average, rtol=0, atol=1e-6)
    assert float((found - history[-1]).abs().max()) > 1e-3


def test_a_run_that_is_stopped_leaves_the_average_too(bench: Bench) -> None:
    bench.train("gpt2", "averaged", ema=0.9, stopped=Countdown(3))
    bench.train("gpt2", "plain", stopped=Countdown(3))
    name = "transformer.wte.weight"
    averaged, plain, start = (
        weights_of(folder)[name]
        for folder in (bench.folder / "averaged", bench.folder / "plain", bench.models["gpt2"])
    )
    assert 0 < (averaged - start).norm() < (plain - start).norm()


def test_the_dev_file_sees_the_average(bench: Bench) -> None:
    dev = bench.folder / "dev.jsonl"
    dev.write_text('{"text": "春夏秋冬风花雪月"}\n', encoding="utf-8")
    losses = {}
    for name, ema in (("averaged", 0.999), ("plain", 0.0)):
        bench.train("gpt2", name, dev=dev, ema=ema)
        losses[name] = bench.events[-1].figures["loss"]
    assert losses["averaged"] != losses["plain"]
    fresh = bench.train("gpt2", "from", start=str(bench.folder / "averaged"), dev=dev, learning_rate=1e-12)
    assert fresh.figures["loss"] == pytest.approx(losses["averaged"], abs=1e-4)
