"""The exponential moving average of weights.

苏剑林, 权重滑动平均, https://kexue.fm/archives/6575.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class MovingAverage:
    """Keeps `average <- decay * average + (1 - decay) * weight` in float32, from the first weights on.

    Early on the decay is smaller, (1 + steps) / (10 + steps), so that fresh weights are forgotten.

    Args:
        weights: What is averaged, by name.
        decay: Share of the average that stays.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self.decay = decay
        self.averages = {name: weight.detach().float().clone() for name, weight in weights.items()}

    def update(self, weights: Mapping[str, Tensor], steps: int) -> None:
        """Take in the weights after so many steps."""
        decay = min(self.decay, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for name, average in self.averages.items():
                average.lerp_(weights[name].detach().float(), 1 - decay)

    @contextmanager
    def in_place(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Let the averages stand in for the weights."""
        kept = {name: weights[name].detach().clone() for name in self.averages}
        _put(weights, self.averages)
        try:
            yield
        finally:
            _put(weights, kept)


def _put(weights: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in values.items():
            weights[name].copy_(value)
