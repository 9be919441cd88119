"""A chain of edits: where it is, where it has been, and what its steps did."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from textgen.mcmc.cgmh.edits import Context, State
from textgen.mcmc.cgmh.moves import Choice
from textgen.mcmc.cgmh.target import Point
from textgen.mcmc.diagnostics import Moves


@dataclass(frozen=True)
class Visit:
    """Where a chain was, and the step after which it was there first."""

    point: Point
    step: int


@dataclass
class Chain:
    """One chain.

    Attributes:
        key: Key of its random numbers.
        candidate: Its number among the chains with that key.
        point: Where it is.
        steps: Steps made.
        moves: What became of them.
        energies: log pi after every step.
        best: The best visits to different texts that may be reported, best first, at most `KEPT`.
        laws: What the laws were at places of the present state.
        seen: What points were proposed from it, with the language model's memory of its own text.
    """

    key: bytes
    candidate: int
    point: Point
    steps: int = 0
    moves: Moves = field(default_factory=Moves)
    energies: list[float] = field(default_factory=list)
    best: list[Visit] = field(default_factory=list)
    # a cold chain stands still for long, and then proposes the same again and again
    laws: dict[Context, Tensor] = field(default_factory=dict)
    seen: dict[State, Point] = field(default_factory=dict)

    def move(self, point: Point) -> None:
        """Go to another point."""
        if point.state != self.point.state:
            self.forget()
        self.point = point

    def forget(self) -> None:
        """Give up what is remembered of the present state."""
        self.laws.clear()
        self.seen.clear()


@dataclass(frozen=True)
class Step:
    """What one step of a chain did.

    Attributes:
        chain: The chain, after the step.
        choice: What was tried; None if the move drawn was not possible.
        move: The name of the move drawn.
        accepted: Whether it was made.
        changed: Whether the state is another than before.
    """

    chain: Chain
    choice: Choice | None
    move: str
    accepted: bool
    changed: bool
