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


Event = Progress | Shortened | Note
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The callback of a caller who does not listen."""
