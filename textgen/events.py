"""What the library tells a caller while it works; only the command line renders it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """So many rows of the total are done; the total is None while it is not known."""

    done: int
    total: int | None


@dataclass(frozen=True)
class Shortened:
    """An input was longer than the model reads: `used` of its `tokens` were fed in."""

    name: str
    used: int
    tokens: int
    how: str


@dataclass(frozen=True)
class Note:
    """Something about the whole run that its user would want to know."""

    text: str


@dataclass(frozen=True)
class Steps:
    """So many steps of the Markov chains that run together are done."""

    done: int
    total: int


@dataclass(frozen=True)
class ChainStep:
    """What one step of a Markov chain did.

    Attributes:
        name: The row's name.
        chain: The chain's number among those of the row.
        step: The step's number, from 1.
        move: `replace`, `insert`, `delete`, `swap` or `none`, or the scan of a Gibbs sampler.
        accepted: Whether the move was made.
        changed: Whether the text is another one than before.
        log_target: Unnormalised log-probability of the state after the step; where the sampled law has
            none (plain Gibbs), the log-probability of what was drawn.
        text: The state after the step.
        edited: Where its characters were edited, start and end; empty where something was deleted.
        tokens: Its length in pieces.
    """

    name: str
    chain: int
    step: int
    move: str
    accepted: bool
    changed: bool
    log_target: float
    text: str
    edited: tuple[int, int]
    tokens: int


Event = Progress | Shortened | Note | Steps | ChainStep
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The callback of a caller who does not listen."""
