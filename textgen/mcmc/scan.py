"""Scans of a Gibbs sampler: the places of a text that are drawn anew, and their order.

With conditionals that come from no joint distribution the one that a Gibbs sampler ends in depends on its
scan (Heckerman et al. 2000, Dependency Networks, https://www.jmlr.org/papers/v1/heckerman00a.html; Goyal et
al. 2021, https://arxiv.org/abs/2106.02736). Corrected by Metropolis-Hastings it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scan:
    """The way of a sweep over the free places; in every scan it draws as many places as there are.

    Attributes:
        kind: `random`, one place a time, any; `sequential`, one place a time, in order; `block`, some
            places a time, masked together and drawn independently given the rest; `all`, every place at
            once, each masked on its own copy of the present text.
        block: Places of a block. Those of one block differ; another block may hold them again. The last
            block of a sweep is the smaller one that is left, if the block's size does not divide the places.
    """

    kind: Literal["random", "sequential", "block", "all"] = "random"
    block: int = 3

    @property
    def together(self) -> bool:
        """Whether the places of an update are hidden from each other."""
        return self.kind != "all"

    def sizes(self, free: int) -> list[int]:
        """The numbers of places that the updates of a sweep draw; they add up to all `free` of them."""
        size = {"block": self.block, "all": free}.get(self.kind, 1)
        whole, left = divmod(free, size)
        return [size] * whole + [left] * (left > 0)

    def places(self, free: Sequence[int], update: int, draw: Callable[[int], float]) -> list[int]:
        """The places of an update.

        Args:
            free: Those that may change.
            update: The number of the update within its sweep, from 0.
            draw: The n-th random number of the update, on [0, 1).
        """
        if self.kind == "all":
            return list(free)
        if self.kind == "sequential":
            return [free[update]]
        left, chosen = list(free), []
        for number in range(self.sizes(len(free))[update]):
            chosen.append(left.pop(int(draw(number) * len(left))))
        return sorted(chosen)
