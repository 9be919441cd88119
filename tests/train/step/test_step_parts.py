"""A step's examples may be computed in any number of parts: what the optimizer is given stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import Bench, furthest, gradients_of, weights_of
from torch import Tensor

EXAMPLES = [3, 0, 7, 5, 2, 9, 1]
ADDED: dict[str, dict[str, Any]] = {
    "plain": {},
    "smoothing": {"label_smoothing": 0.2},
    "rdrop": {"rdrop": 2.0},
    "penalty": {"gradient_penalty": 3.0},
    "fgm": {"fgm": 0.7},
    "all": {"label_smoothing": 0.1, "rdrop": 1.0, "gradient_penalty": 1.0, "fgm": 0.5, "clip": 0.3},
}


def alike(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(
            gradient, theirs[name], rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize(
    ("recipe", "added"),
    [
        (recipe, added)
        for recipe in ("gpt2", "bert", "title", "rnn-title")
        for added in ADDED
        if (recipe, added) not in (("rnn-title", "penalty"), ("rnn-title", "rdrop"))
    ],
)
def test_parts_change_nothing_but_rounding(bench: Bench, recipe: str, added: str) -> None:
    options = dict(ADDED[added])
    if recipe == "rnn-title":  # an LSTM has no second derivative, and this one no dropout
        options = {
            name: value for name, value in options.items() if name not in ("gradient_penalty", "rdrop")
        }
    whole, parts = (
        gradients_of(bench.loop(recipe, f"{count}", accumulate=count, **options), EXAMPLES)
        for count in (1, 3)
    )
    assert max(float(gradient.abs().max()) for gradient in whole.values()) > 1e-3
    alike(parts, whole)


def test_more_parts_than_examples(bench: Bench) -> None:
    whole = gradients_of(bench.loop("bert", "1", fgm=0.5), EXAMPLES[:2])
    alike(gradients_of(bench.loop("bert", "5", fgm=0.5, accumulate=5), EXAMPLES[:2]), whole)


def test_the_loss_of_a_step_is_that_of_all_its_parts(bench: Bench) -> None:
    done = [bench.loop("title", f"{n}", accumulate=n).step(0, 0, EXAMPLES) for n in (1, 3)]
    assert done[0].loss == pytest.approx(done[1].loss, rel=1e-5)
    assert (done[0].places, done[0].tokens) == (done[1].places, done[1].tokens)
    assert done[0].gradient_norm == pytest.approx(done[1].gradient_norm, rel=1e-4)


@pytest.mark.parametrize("recipe", ["gpt2", "title"])
def test_weights_of_a_run_in_parts(bench: Bench, recipe: str) -> None:
    for count in (1, 3):
        bench.train(recipe, f"{count}", accumulate=count, learning_rate=1e-3)
    start = Path(bench.starts(recipe)["start"])
    assert weights_moved(bench.folder / "1", start) > 1e-3
    assert furthest(bench.folder / "1", bench.folder / "3") < 1e-5


def weights_moved(model: Path, start: Path) -> float:
    ours, theirs = weights_of(model), weights_of(start)
    name = next(name for name in ours if name.endswith(("word_embeddings.weight", "wte.weight")))
    return float((ours[name] - theirs[name]).abs().max())
