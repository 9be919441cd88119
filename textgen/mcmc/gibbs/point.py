"""Points of chains of Gibbs sampling, and the proposals that lead from one to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class Template:
    """A text of fixed length, some of whose places change.

    Attributes:
        free: Places that may change, in the order of a sequential scan.
        allowed: `(vocab,)`, true for the ids they may take; the conditional is renormalised on them.
        scored: Places whose tokens make the energy; None is the free ones. Fixed places belong to it, too,
            since what the model thinks of them depends on the free ones: without them the energy would
            not be that of the text. Their tokens must be allowed.
        opening: `(vocab,)`, true for the ids that masks are first filled with; None is `allowed`.
        possible: Whether the chain may be at some ids; what leads elsewhere is refused.
    """

    free: list[int]
    allowed: Tensor
    scored: list[int] | None = None
    opening: Tensor | None = None
    possible: Callable[[list[int]], bool] = lambda ids: True

    @property
    def energy_places(self) -> list[int]:
        """Places whose tokens make the energy."""
        return self.free if self.scored is None else self.scored


@dataclass(frozen=True)
class Point:
    """A state of a chain.

    Attributes:
        ids: The state, frame included.
        template: What of it may change.
        energy: Its energy; None under plain Gibbs sampling.
    """

    ids: list[int]
    template: Template = field(compare=False, repr=False)
    energy: float | None = None

    @property
    def log_target(self) -> float | None:
        """log pi, up to a constant."""
        return None if self.energy is None else -self.energy

    def lean(self) -> Self:
        """The point itself: nothing is remembered of it."""
        return self


@dataclass(frozen=True)
class Proposal:
    """A state that a chain may go to.

    Attributes:
        point: The present one.
        places: Where it was drawn anew.
        ids: The proposed state.
        forward: log q(proposed | present).
        reverse: log q(present | proposed), a sum over the places; None where only the proposed state
            can tell, as its places do not see what the present ones saw.
    """

    point: Point
    places: list[int]
    ids: list[int]
    forward: float
    reverse: float | None

    @property
    def changed(self) -> bool:
        """True if it differs from the present state."""
        return self.ids != self.point.ids

    @property
    def reachable(self) -> bool:
        """True if the chain may be at the proposed ids."""
        return self.point.template.possible(self.ids)

    @property
    def possible(self) -> bool:
        """True if it may be accepted: there is a way back, or the present state has no probability."""
        return self.reachable and (self.reverse != -inf or self.point.energy == inf)
