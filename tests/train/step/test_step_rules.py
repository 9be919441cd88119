"""What a step refuses, which weights decay, and that a look at other examples changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny import FIRST_STAGES, Bench

from textgen.errors import TextgenError
from textgen.train.step.loop import Loop

EXAMPLES = [0, 1, 2]


def weights(loop: Loop) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in loop.weights.items()}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_refused(bench: Bench, value: float) -> None:
    loop = bench.loop("gpt2")
    loop.network.transformer.ln_f.weight.data[0] = value
    before = weights(loop)
    with pytest.raises(TextgenError, match="step 5: the loss is nan") as caught:
        loop.step(4, 0, EXAMPLES)
    assert "learning_rate" in caught.value.hint
    assert all(torch.equal(weight, before[n]) for n, weight in weights(loop).items() if "ln_f" not in n)


def test_a_gradient_that_is_no_number_is_refused(bench: Bench) -> None:
    """The loss may be one all the same; a step along it would spoil all weights, and their checkpoint."""
    loop = bench.loop("gpt2", ema=0.5)
    embedding = loop.network.transformer.wte
    embedding.register_forward_hook(
        lambda module, ids, output: output.register_hook(lambda gradient: gradient * float("nan")) and None
    )
    before = weights(loop)
    with pytest.raises(TextgenError, match="step 1: the gradient is nan"):
        loop.step(0, 0, EXAMPLES)
    assert all(torch.equal(weight, before[name]) for name, weight in weights(loop).items())
    assert all(torch.equal(average, before[name]) for name, average in loop.average.averages.items())


def test_only_matrices_decay(bench: Bench) -> None:
    """Adam's own part does not depend on the decay: what differs is the decay alone."""
    rate, decay = 1e-2, 0.5
    loops = {}
    for name, share in (("without", 0.0), ("with", decay)):
        loop = bench.loop("title", name, weight_decay=share, warmup=0.0, learning_rate=rate)
        start = weights(loop)
        loop.step(0, 0, EXAMPLES)
        loops[name] = weights(loop)
    seen = set()
    for name, first in start.items():
        share = decay if first.dim() > 1 else 0.0
        seen.add(share)
        expected = loops["without"][name] - rate * share * first
        torch.testing.assert_close(loops["with"][name], expected, rtol=0, atol=1e-6, msg=name)
    assert seen == {0.0, decay}


def test_a_step_is_one_of_adam_at_the_scheduled_rate(bench: Bench) -> None:
    """The first step of Adam moves every weight by the rate, whatever its gradient."""
    loop = bench.loop("bert", weight_decay=0.0, warmup=0.5, steps=10, learning_rate=0.01)
    before = weights(loop)
    done = loop.step(2, 0, EXAMPLES)
    assert done.learning_rate == pytest.approx(0.01 * 3 / 6)
    moved = {name: (weight - before[name]).abs().max() for name, weight in weights(loop).items()}
    assert float(max(moved.values())) == pytest.approx(0.005, rel=1e-2)


def test_styles_learn_faster(bench: Bench) -> None:
    options: dict[str, Any] = {"weight_decay": 0.0, "warmup": 0.0, "condition_pace": 5.0}
    loop = bench.loop("conditional", learning_rate=1e-3, **options)
    before = weights(loop)
    loop.step(0, 0, EXAMPLES)
    moved = {name: float((weight - before[name]).abs().max()) for name, weight in weights(loop).items()}
    assert moved["transformer.ln_f.gain"] == pytest.approx(5e-3, rel=1e-2)
    assert moved["transformer.wte.weight"] == pytest.approx(1e-3, rel=1e-2)


def dropping(recipe: str, rate: float) -> dict[str, Any]:
    """Dropout and what needs it, for networks that drop anything."""
    return {} if recipe == "rnn-title" else {"dropout": rate, "rdrop": 1.0}


@pytest.mark.parametrize("recipe", FIRST_STAGES)
def test_a_look_at_a_dev_file_changes_nothing(bench: Bench, recipe: str) -> None:
    found = []
    for looks in (0, 3):
        loop = bench.loop(recipe, f"{looks}", **dropping(recipe, 0.3))
        for step in range(3):
            loop.step(step, 0, EXAMPLES)
            for _ in range(looks):
                loop.dev_figures(loop.arrays)
        found.append(weights(loop))
    assert all(torch.equal(weight, found[1][name]) for name, weight in found[0].items())


@pytest.mark.parametrize("recipe", FIRST_STAGES)
def test_the_loss_on_a_dev_file_is_the_mean_of_plain_cross_entropies(bench: Bench, recipe: str) -> None:
    extra = {"replace": 0.9} if "title" in recipe else {}
    extra |= dropping(recipe, 0.5)
    noisy = bench.loop(recipe, "noisy", label_smoothing=0.3, batch_size=3, **extra)
    total, places = 0.0, 0
    with torch.no_grad():
        noisy.network.eval()
        for example in range(len(noisy.arrays)):
            prediction = noisy.recipe.predict(
                noisy.network, noisy.recipe.batch(noisy.arrays, [example], None)
            )
            logprobs = prediction.logits.log_softmax(-1)
            total -= float(logprobs.gather(1, prediction.targets[:, None]).sum())
            places += len(prediction.targets)
    noisy.network.train()
    found = noisy.dev_figures(noisy.arrays)["loss"]
    assert found == pytest.approx(total / places, rel=1e-4)
    assert found == noisy.dev_figures(noisy.arrays)["loss"]
