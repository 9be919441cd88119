"""What every step is made of: all examples, as often as their weights say, wherever a run begins."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import numpy as np
import pytest

from textgen.train.data.order import Order

SIZE = 4
EXAMPLES = 61
LENGTHS = np.random.default_rng(5).integers(1, 400, EXAMPLES)


def order(weights: Any = 1.0, *, seed: int = 0, bucketing: bool = True, examples: int = EXAMPLES) -> Order:
    weighted = np.broadcast_to(np.asarray(weights, float), examples)
    return Order(np.resize(LENGTHS, examples), weighted, SIZE, seed, bucketing=bucketing)


def epochs(of: Order, count: int) -> list[list[list[int]]]:
    """The batches of the first epochs."""
    found: list[list[list[int]]] = [[] for _ in range(count)]
    for step in range(of.steps(count)):
        epoch, batch = of.at(step)
        found[epoch].append(batch.tolist())
    return found


def times(batches: list[list[int]]) -> Counter[int]:
    return Counter(example for batch in batches for example in batch)


@pytest.mark.parametrize("bucketing", [True, False])
def test_an_epoch_has_every_example_once(bucketing: bool) -> None:
    for batches in epochs(order(bucketing=bucketing), 3):
        assert times(batches) == Counter(range(EXAMPLES))
        assert sorted(map(len, batches)) == [1, *[SIZE] * (EXAMPLES // SIZE)]


@pytest.mark.parametrize("bucketing", [True, False])
def test_epochs_and_seeds_have_orders_of_their_own(bucketing: bool) -> None:
    first, second = epochs(order(bucketing=bucketing), 2)
    assert first != second
    assert first != epochs(order(bucketing=bucketing, seed=1), 1)[0]
    assert sorted(map(sorted, first)) != sorted(map(sorted, second)), "the same batches in another order"


def test_a_quarter_is_another_quarter_every_epoch() -> None:
    weights = np.where(np.arange(400) < 200, 1.0, 0.25)
    found = [times(batches) for batches in epochs(order(weights, examples=400), 20)]
    for epoch in found:
        assert all(epoch[example] == 1 for example in range(200))
        assert 20 <= sum(epoch[example] for example in range(200, 400)) <= 80
    seen = Counter(example for epoch in found for example in epoch if example >= 200)
    assert len(seen) > 190, "the same examples every epoch"
    assert abs(sum(seen.values()) / 20 - 50) < 5
    assert max(seen.values()) < 14


def test_two_and_a_half_is_twice_or_three_times() -> None:
    found = [times(batches) for batches in epochs(order(2.5, examples=200), 6)]
    for epoch in found:
        assert set(epoch.values()) == {1}, "copies have numbers of their own"
        copies = Counter(number % 200 for number in epoch)
        assert set(copies.values()) == {2, 3}
        assert set(epoch) == {n + 200 * copy for n, count in copies.items() for copy in range(count)}
    assert abs(sum(epoch.total() for epoch in found) / 6 - 500) < 20


def test_of_weight_nothing_is_nothing() -> None:
    weights = np.where(np.arange(EXAMPLES) % 2, 0.0, 1.0)
    assert times(epochs(order(weights), 1)[0]) == Counter(range(0, EXAMPLES, 2))


def test_epochs_that_draw_nothing_are_passed_over() -> None:
    of = order(0.02, examples=5)
    found = [of.at(step) for step in range(4)]
    assert all(len(batch) for _, batch in found)
    assert [epoch for epoch, _ in found] == sorted(epoch for epoch, _ in found)
    assert found[-1][0] > 3


@pytest.mark.parametrize("bucketing", [True, False])
def test_a_step_does_not_depend_on_what_was_asked_before(bucketing: bool) -> None:
    weights = np.linspace(0.1, 2.5, EXAMPLES)
    whole = order(weights, bucketing=bucketing)
    inorder = [whole.at(step) for step in range(80)]
    for step in (79, 0, 33, 34, 60):
        epoch, batch = order(weights, bucketing=bucketing).at(step)
        assert epoch == inorder[step][0]
        assert np.array_equal(batch, inorder[step][1])
    backwards = order(weights, bucketing=bucketing)
    for step in reversed(range(80)):
        assert np.array_equal(backwards.at(step)[1], inorder[step][1])


def padding(batches: list[list[int]]) -> int:
    """Places that are there only because another example of the batch is longer."""
    lengths = [np.resize(LENGTHS, 1000)[batch] for batch in batches]
    return sum(int(of.max() * len(of) - of.sum()) for of in lengths)


def test_bucketing_puts_like_lengths_together() -> None:
    (together,) = epochs(order(examples=1000), 1)
    (mixed,) = epochs(order(examples=1000, bucketing=False), 1)
    assert padding(together) < padding(mixed) / 10
    means = [LENGTHS[np.asarray(batch) % EXAMPLES].mean() for batch in together]
    assert means != sorted(means), "short batches all come first"


def test_steps_of_epochs() -> None:
    of = order()
    an_epoch = ceil(EXAMPLES / SIZE)
    assert of.steps(1) == an_epoch
    assert of.steps(3) == 3 * an_epoch
    assert of.steps(0.5) == ceil(an_epoch / 2)
    assert of.steps(2.25) == 2 * an_epoch + ceil(an_epoch / 4)
    assert of.steps(1e-9) == 1
    weighted = order(0.25, examples=400)
    assert weighted.steps(3) == sum(map(len, epochs(weighted, 3)))
