"""Temperatures that fall while a chain runs.

苏剑林, 搜出来的文本（二）：从MCMC到模拟退火, https://kexue.fm/archives/8084; Kirkpatrick et al. 1983.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """From one temperature to another, both above 0.

    At temperature T the target is proportional to exp(log pi / T).

    Attributes:
        first: The temperature of the first step.
        last: That of the last.
        kind: `linear` falls by a constant difference a step, `geometric` by a constant factor.
    """

    first: float = 1.0
    last: float = 1.0
    kind: Literal["linear", "geometric"] = "linear"

    def at(self, step: int, steps: int) -> float:
        """The temperature at a step, counted from 0; behind the last of `steps` it stays."""
        share = min(1.0, step / (steps - 1)) if steps > 1 else 1.0
        if self.kind == "geometric":
            return float(self.first * (self.last / self.first) ** share)
        return self.first + (self.last - self.first) * share
