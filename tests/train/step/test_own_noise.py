"""A run draws from generators of its own: nothing global is touched, nothing global matters."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import FIRST_STAGES, Bench, furthest, gradients_of, same, some_pairs, some_texts, write_lines


def states() -> tuple[Any, ...]:
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()


def noisy(recipe: str) -> dict[str, Any]:
    """All of a recipe's options that draw."""
    titles = {"replace": 0.4} if "title" in recipe else {}
    transformers = {} if recipe == "rnn-title" else {"dropout": 0.3, "lora": 2}
    return titles | transformers


@pytest.fixture
def dev(bench: Bench) -> Path:
    rows = [row | label for row, label in zip(some_pairs(4), some_texts(4), strict=True)]
    return write_lines(bench.folder / "dev.jsonl", [row | {"title": row["text"][:3]} for row in rows])


@pytest.mark.parametrize("recipe", FIRST_STAGES)
def test_global_generators_stay_as_they_are(bench: Bench, dev: Path, recipe: str) -> None:
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    before = states()
    metric = {"dev_metric": "rouge-l"} if "title" in recipe else {}
    bench.train(recipe, dev=dev, eval_every=2, **noisy(recipe), **metric)
    assert states() == before


@pytest.mark.parametrize("recipe", FIRST_STAGES)
def test_the_same_seed_makes_the_same_bytes_whatever_was_drawn_before(bench: Bench, recipe: str) -> None:
    for name in ("one", "other"):
        torch.randn(7)
        random.random()
        np.random.random()
        bench.train(recipe, name, rows=bench.rows(recipe), **noisy(recipe))
    one, other = ((bench.folder / name / "model.safetensors").read_bytes() for name in ("one", "other"))
    assert one == other


@pytest.mark.parametrize("recipe", FIRST_STAGES)
def test_another_seed_makes_other_weights(bench: Bench, recipe: str) -> None:
    for seed in (0, 1):
        bench.train(recipe, f"{seed}", seed=seed)
    assert not same(bench.folder / "0", bench.folder / "1")


@pytest.mark.parametrize("recipe", ["gpt2", "bert", "title"])
def test_dropout_matters_and_has_a_seed(bench: Bench, recipe: str) -> None:
    """One batch, so that the seed is not that of the order."""
    rows = bench.rows(recipe)[:3]
    for name, options in {"none": {}, "some": {"dropout": 0.3}, "more": {"dropout": 0.3, "seed": 1}}.items():
        bench.train(recipe, name, rows=rows, bucketing=False, batch_size=32, **options)
    assert furthest(bench.folder / "none", bench.folder / "some") > 1e-4
    assert furthest(bench.folder / "some", bench.folder / "more") > 1e-4


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("bert", {}),
        ("title", {"replace": 0.9}),
        ("gpt2", {"replace": 0.9}),
        ("conditional", {"null_share": 0.5}),
    ],
)
def test_copies_of_an_example_draw_for_themselves(bench: Bench, recipe: str, options: dict[str, Any]) -> None:
    """An epoch may have an example more than once."""
    loop = bench.loop(recipe, **options)
    count = len(loop.arrays)
    assert loop.arrays.ids(loop.recipe.columns[0], 1) == loop.arrays.ids(loop.recipe.columns[0], 1 + count)
    drawn = [str(loop.recipe.batch(loop.arrays, [1 + copy * count], 0)) for copy in range(8)]
    assert len(set(drawn)) > 1
    assert drawn[3] == str(loop.recipe.batch(loop.arrays, [1 + 3 * count], 0))
    loop.step(0, 0, [1, 1 + count])


def test_every_step_and_every_part_drops_something_else(bench: Bench) -> None:
    loop = bench.loop("gpt2", dropout=0.3, accumulate=2)
    name = "transformer.ln_f.bias"
    first, again, second = (gradients_of(loop, [0, 1, 2, 3], number=n)[name] for n in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, second, rtol=0.01)
    # the same example in both parts: if they dropped the same, their mean would be that of one
    together = gradients_of(loop, [0, 0])[name]
    alone = gradients_of(bench.loop("gpt2", "alone", dropout=0.3), [0])[name]
    assert not torch.allclose(together, alone, rtol=0.01)
