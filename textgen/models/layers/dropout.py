"""Dropout that draws from a generator of its own.

torch's draws from the global generator; then what a run draws would depend on what else the process did,
and a run that is resumed would draw something else.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; off until `set_dropout`.

    Attributes:
        rate: Share of the activations that become zero in training.
        noise: What tells which.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rate = 0.0
        self.noise: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.rate):
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.rate, generator=self.noise)
        return x * kept / (1 - self.rate)


def set_dropout(network: nn.Module, rate: float, noise: torch.Generator) -> None:
    """Let all dropout of a network draw from one generator, which lies on the network's device."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.rate, module.noise = rate, noise
