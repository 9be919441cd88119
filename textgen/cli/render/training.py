"""The progress of a training: a live table on a terminal, lines elsewhere; and how it is stopped."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType
from typing import TYPE_CHECKING, Any

from textgen.cli.render import console
from textgen.cli.spelling import flag
from textgen.events import Event, Note, OnEvent, Progress, Scored, Trained, ignore
from textgen.messages import Message
from textgen.text.visible import visible

if TYPE_CHECKING:
    from rich.table import Table

STOPPING = "stopping after this step, with a checkpoint; Ctrl-C again stops without"
PERIOD = 30.0  # seconds between lines where there is no terminal


@contextmanager
def stopping(*, quiet: bool) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C end a training after the present step; the second ends it at once.

    So does the first before anybody asks: while files are read there is nothing to keep.

    Args:
        quiet: Do not say so.

    Yields:
        Whether it is to end.
    """
    pressed = asked = False

    def stopped() -> bool:
        nonlocal asked
        asked = True
        return pressed

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, earlier)
        if not asked:
            raise KeyboardInterrupt
        # in a thread: where the signal cuts into a line being written, this one cannot write another
        threading.Thread(target=console.note, args=(STOPPING,), kwargs={"quiet": quiet}).start()

    earlier = signal.signal(signal.SIGINT, press)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, earlier)


@contextmanager
def watching(recipe: str, *, quiet: bool) -> Iterator[OnEvent]:
    """Render what a training tells.

    Args:
        recipe: Its name.
        quiet: Render nothing.
    """
    if quiet:
        yield ignore
    elif sys.stderr.isatty():
        with _live(recipe) as on_event:
            yield on_event
    else:
        yield _Lines()


class _Lines:
    """A line for every look at the dev file, and now and then one for rows and steps."""

    def __init__(self) -> None:
        self._shown_at = -inf

    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            console.note(_note(event))
        elif isinstance(event, Scored):
            best = " (best)" if event.best else ""
            console.note(f"step {event.step:,}: dev {_figures(event)}{best}")
        elif isinstance(event, Trained):
            self._tell(
                f"step {event.step:,} of {event.steps:,}: loss {event.loss:.4f}, "
                f"{event.tokens_per_second:,.0f} tokens/s, {_clock(event.seconds_left)} left",
                last=event.step == event.steps,
            )
        elif isinstance(event, Progress):
            self._tell(": ".join(_progress(event)), last=event.done == event.total)

    def _tell(self, line: str, *, last: bool) -> None:
        now = time.monotonic()
        if last or now - self._shown_at >= PERIOD:
            self._shown_at = now
            console.note(line)


class _State:
    """The content of the live table.

    Args:
        recipe: What is trained.
    """

    def __init__(self, recipe: str) -> None:
        self._recipe = recipe
        self._last: dict[type[Event], Any] = {}
        self._best: Scored | None = None

    def see(self, event: Event) -> None:
        """Take in what is told."""
        self._last[type(event)] = event
        if isinstance(event, Scored) and event.best:
            self._best = event

    def table(self) -> Table:
        """The table as of now."""
        from rich.table import Table

        table = Table(title=f"textgen train {self._recipe}", show_header=False, title_justify="left")
        table.add_column(style="dim")
        table.add_column(justify="right", min_width=24)
        for name, value in self._rows():
            table.add_row(name, value)
        return table

    def _rows(self) -> Iterator[tuple[str, str]]:
        progress, trained, scored = map(self._last.get, (Progress, Trained, Scored))
        if trained is None:
            yield _progress(progress) if progress else ("begins", "…")
            return
        yield "step", f"{trained.step:,} of {trained.steps:,}"
        yield "epoch", f"{trained.epoch}"
        yield "loss", f"{trained.loss:.4f}"
        yield "learning rate", f"{trained.learning_rate:.2e}"
        yield "gradient norm", f"{trained.gradient_norm:.2f}"
        yield "tokens/s", f"{trained.tokens_per_second:,.0f}"
        yield "time", f"{_clock(trained.seconds)}, {_clock(trained.seconds_left)} left"
        if scored:
            yield "dev", _figures(scored)
        if self._best:
            yield "best", f"{_figures(self._best)} at step {self._best.step:,}"


@contextmanager
def _live(recipe: str) -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.live import Live

    state = _State(recipe)
    with Live(state.table(), console=Console(stderr=True), refresh_per_second=4) as live:

        def on_event(event: Event) -> None:
            if isinstance(event, Note):
                live.console.print(visible(_note(event).spelled(flag)), markup=False, highlight=False)
            state.see(event)
            live.update(state.table())

        yield on_event


def _progress(event: Progress) -> tuple[str, str]:
    """The name and the value of the rows that are read, or written for, before the first step."""
    if event.total is None:
        return "rows read", f"{event.done:,}"
    return "rows written for", f"{event.done:,} of {event.total:,}"


def _figures(event: Scored) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in event.figures.items())


def _note(event: Note) -> Message:
    warns = event.text.startswith("warning: ")
    return event.text if warns else Message("note: {text}", text=event.text)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
