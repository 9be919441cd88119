"""Events: what the library tells a caller while it works; only the command line renders them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textgen.messages import Message


@dataclass(frozen=True)
class Computed:
    """Rows that have been computed since the last such event, errors among them, and their tokens."""

    rows: int
    errors: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class Progress:
    """Progress of a run, in rows; the total is None while it is not known.

    Attributes:
        done: Rows that are done, those of earlier runs included.
        total: All rows.
        errors: How many of this run's were errors.
        tokens: How many tokens this run has read and written.
        rows: How many of the rows this run has done.
    """

    done: int
    total: int | None
    errors: int = 0
    tokens: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Shortened:
    """An input was longer than the model reads: `used` of its `tokens` were fed in."""

    name: str
    used: int
    tokens: int
    how: str


@dataclass(frozen=True)
class Note:
    """Something about the whole run that its user would want to know; see `textgen.messages`."""

    text: Message

    def __init__(self, text: str, /, **values: Any) -> None:
        object.__setattr__(self, "text", Message(text, **values))


@dataclass(frozen=True)
class Steps:
    """Progress of the Markov chains that run together, in steps."""

    done: int
    total: int


@dataclass(frozen=True)
class ChainStep:
    """One step of a Markov chain.

    Attributes:
        name: The row's name.
        chain: The chain's number among those of the row.
        step: The step's number, from 1.
        move: `replace`, `insert`, `delete`, `swap` or `none`, or the scan of a Gibbs sampler.
        accepted: Whether the move was made.
        changed: Whether the text is another one than before.
        log_target: Unnormalised log-probability of the state after the step; where that distribution has
            none (plain Gibbs), the log-probability of what was drawn.
        text: The state after the step.
        edited: Where its characters were edited, start and end; empty where something was deleted.
        tokens: Its length in tokens.
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


@dataclass(frozen=True)
class Trained:
    """Progress of a training.

    Attributes:
        step: Optimizer steps done.
        steps: All there will be.
        epoch: Passes over the data, the present one included.
        loss: Mean over the predictions since the last such event, in nats.
        learning_rate: Of the last step.
        gradient_norm: Of the last step, before it was cut.
        tokens_per_second: Predictions and what they are made from, since the last such event.
        seconds: Spent in all runs.
        seconds_left: If it goes on like that.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class Scored:
    """An evaluation on the dev file.

    Attributes:
        step: Optimizer steps done.
        figures: By name: `loss` in nats a prediction, `rouge-l` in percent.
        best: Whether it is the best so far.
    """

    step: int
    figures: dict[str, float]
    best: bool


Event = Computed | Progress | Shortened | Note | Steps | ChainStep | Trained | Scored
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The callback of a caller who does not listen."""


class WithoutSteps:
    """A listener that the steps of chains are not worded for.

    Args:
        on_event: Told of everything else.
    """

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event

    def __call__(self, event: Event) -> None:
        self._on_event(event)


def hears_steps(on_event: OnEvent) -> bool:
    """Tell whether a listener wants the steps of chains."""
    if isinstance(on_event, ProgressCounter):
        return hears_steps(on_event.on_event)
    return on_event is not ignore and not isinstance(on_event, WithoutSteps)


class ProgressCounter:
    """Adds up what is computed, and tells how far the whole is.

    Args:
        total: All rows, if that is known.
        on_event: Told of the progress and of every other event.
        done: Rows that were done before.
    """

    def __init__(self, total: int | None, on_event: OnEvent, *, done: int = 0) -> None:
        self._total, self.on_event, self._before = total, on_event, done
        self._rows = self._errors = self._tokens = 0

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Computed):
            self.on_event(event)
            return
        self._rows += event.rows
        self._errors += event.errors
        self._tokens += event.tokens
        done = self._before + self._rows
        self.on_event(Progress(done, self._total, self._errors, self._tokens, self._rows))
