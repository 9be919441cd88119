"""Learning-rate schedules."""

from __future__ import annotations

from math import cos, pi


def learning_rate(step: int, steps: int, *, highest: float, warmup: float, scheduler: str) -> float:
    """The learning rate of a step.

    Args:
        step: From 0.
        steps: How many there are.
        highest: Where the rise ends and the fall begins.
        warmup: Share of the steps in which it rises.
        scheduler: `linear` and `cosine` fall to 0, `constant` does not.
    """
    rising = warmup * steps
    if step < rising:
        return highest * (step + 1) / (rising + 1)
    if scheduler == "constant":
        return highest
    left = (steps - step) / max(1.0, steps - rising)
    return highest * (left if scheduler == "linear" else (1 - cos(pi * left)) / 2)
