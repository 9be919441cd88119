"""The order of examples, a pure function of the seed, so that a run can go on at any step."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from textgen.train.data.noise import random_for

POOL = 50  # most batches whose examples are sorted by length together
POOLS = 4  # least of an epoch: sorted all together, the examples would make the same batches every epoch

Numbers = NDArray[np.int64]


class Order:
    """The batches of all epochs.

    Every epoch has each example as often as its weight says, on average; in an order of its own. With
    bucketing, examples of about one length make a batch, so that little is padded.

    Args:
        lengths: `(examples,)`, of the examples.
        weights: `(examples,)`, how often an epoch has each; a weight of 0.25 draws a quarter of them, others
            every epoch.
        batch_size: Examples of a batch; the last of an epoch may have fewer.
        seed: Of the run.
        bucketing: Whether lengths matter.
    """

    def __init__(
        self, lengths: Numbers, weights: NDArray[np.float64], batch_size: int, seed: int, *, bucketing: bool
    ) -> None:
        self._lengths, self._weights, self._batch_size, self._seed = lengths, weights, batch_size, seed
        self._bucketing = bucketing
        self._firsts = [0]  # the number of the first step of each epoch
        self._planned = lru_cache(maxsize=2)(self._plan)

    def at(self, step: int) -> tuple[int, Numbers]:
        """The epoch of a step, counted from 0, and the examples of its batch.

        An example that an epoch has more than once is itself and then its copies, with numbers behind all
        examples, as `Arrays` knows them: so that each draws noise of its own.
        """
        while self._firsts[-1] <= step:
            self._firsts.append(self._firsts[-1] + self._steps_in(len(self._firsts) - 1))
        epoch = int(np.searchsorted(self._firsts, step, side="right")) - 1
        return epoch, self._planned(epoch)[step - self._firsts[epoch]]

    def steps(self, epochs: float) -> int:
        """The number of steps of so many epochs, at least one."""
        whole = int(epochs)
        part = (epochs - whole) * self._steps_in(whole) if epochs > whole else 0
        return max(1, sum(map(self._steps_in, range(whole))) + ceil(part))

    def _steps_in(self, epoch: int) -> int:
        return ceil(len(self._drawn(epoch)) / self._batch_size)

    def _drawn(self, epoch: int) -> Numbers:
        """The examples of an epoch and their copies."""
        whole = np.floor(self._weights).astype(np.int64)
        extra = random_for(self._seed, "weights", epoch).random(len(self._weights)) < self._weights - whole
        times = whole + extra
        copies = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        drawn: Numbers = np.repeat(np.arange(len(times)), times) + copies * len(times)
        return drawn

    def _plan(self, epoch: int) -> list[Numbers]:
        noise = random_for(self._seed, "order", epoch)
        numbers = noise.permutation(self._drawn(epoch))
        size = self._batch_size
        if self._bucketing:
            pool_size = size * min(POOL, ceil(len(numbers) / (POOLS * size)))
            pools = (numbers[at : at + pool_size] for at in range(0, len(numbers), pool_size))
            numbers = np.concatenate(
                [pool[np.argsort(self._lengths[pool % len(self._lengths)], kind="stable")] for pool in pools]
            )
        batches = [numbers[at : at + size] for at in range(0, len(numbers), size)]
        return [batches[n] for n in noise.permutation(len(batches))] if self._bucketing else batches
