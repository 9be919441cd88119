"""Random numbers of a run are a function of what they are for, and of nothing else."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from textgen.train.data.noise import random_for, torch_seed


def test_the_same_purpose_draws_the_same() -> None:
    first = random_for(3, "replace", 1, 2, 0).random(5)
    random_for(3, "other").random(100)
    np.random.default_rng(0).random(3)
    assert np.array_equal(random_for(3, "replace", 1, 2, 0).random(5), first)
    assert torch_seed(3, "dropout", 4, 1) == torch_seed(3, "dropout", 4, 1)


@pytest.mark.parametrize(
    "other",
    [
        (4, "replace", 1, 2),
        (3, "order", 1, 2),
        (3, "replace", 2, 1),
        (3, "replace", 1),
        (3, "replace", 1, 2, 0),
        (1, "replace", 3, 2),
    ],
)
def test_anything_else_draws_something_else(other: tuple[int, str, int, int]) -> None:
    assert not np.array_equal(random_for(*other).random(4), random_for(3, "replace", 1, 2).random(4))
    assert torch_seed(*other) != torch_seed(3, "replace", 1, 2)


def test_neighbours_have_nothing_in_common() -> None:
    """Counters are small numbers in a row; what they give must be as if it were independent."""
    found = np.array(
        [random_for(0, "way", epoch, example).random() for epoch in range(20) for example in range(50)]
    )
    assert abs(found.mean() - 0.5) < 0.03
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.1
    assert len(set(found)) == 1000


def test_seeds_fit_torch() -> None:
    for seed in (0, 2**63 - 1):
        assert 0 <= torch_seed(seed, "dropout", 10**9, 3) < 2**63
        torch.Generator().manual_seed(torch_seed(seed, "dropout", 10**9, 3))


def test_global_state_stays() -> None:
    random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    random_for(1, "order").permutation(10)
    torch_seed(1, "dropout")
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
