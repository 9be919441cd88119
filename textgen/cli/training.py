"""How a training goes, as a person sees it: a live table on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textgen.cli import console
from textgen.events import Event, Note, OnEvent, Progress, Scored, Trained, ignore

if TYPE_CHECKING:
    from rich.table import Table

PERIOD = 30.0  # seconds between lines where there is no terminal


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
    """A line for every look at the dev file, and now and then one for the steps."""

    def __init__(self) -> None:
        self._told = -PERIOD

    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            console.note(_note(event))
        elif isinstance(event, Scored):
            best = " (best)" if event.best else ""
            console.note(f"step {event.step:,}: dev {_figures(event)}{best}")
        elif isinstance(event, Trained):
            now = time.monotonic()
            if now - self._told >= PERIOD or event.step == event.steps:
                self._told = now
                console.note(
                    f"step {event.step:,} of {event.steps:,}: loss {event.loss:.4f}, "
                    f"{event.tokens_per_second:,.0f} tokens/s, {_clock(event.seconds_left)} left"
                )


@contextmanager
def _live(recipe: str) -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.live import Live

    trained: Trained | None = None
    scored: list[Scored] = []
    read = 0
    with Live(console=Console(stderr=True), refresh_per_second=4) as live:

        def on_event(event: Event) -> None:
            nonlocal trained, read
            if isinstance(event, Note):
                live.console.print(_note(event), markup=False, highlight=False)
            elif isinstance(event, Progress):
                read = event.done
            elif isinstance(event, Trained):
                trained = event
            elif isinstance(event, Scored):
                scored.append(event)
            live.update(_table(recipe, trained, scored, read))

        yield on_event


def _table(recipe: str, trained: Trained | None, scored: list[Scored], read: int) -> Table:
    from rich.table import Table

    table = Table(title=f"textgen train {recipe}", show_header=False, title_justify="left")
    table.add_column(style="dim")
    table.add_column(justify="right", min_width=24)
    if trained is None:
        table.add_row("rows read", f"{read:,}")
        return table
    table.add_row("step", f"{trained.step:,} of {trained.steps:,}")
    table.add_row("epoch", f"{trained.epoch}")
    table.add_row("loss", f"{trained.loss:.4f}")
    table.add_row("learning rate", f"{trained.learning_rate:.2e}")
    table.add_row("gradient norm", f"{trained.gradient_norm:.2f}")
    table.add_row("tokens/s", f"{trained.tokens_per_second:,.0f}")
    table.add_row("time", f"{_clock(trained.seconds)}, {_clock(trained.seconds_left)} left")
    if scored:
        best = (
            next(event for event in reversed(scored) if event.best) if any(e.best for e in scored) else None
        )
        table.add_row("dev", _figures(scored[-1]))
        if best is not None:
            table.add_row("best", f"{_figures(best)} at step {best.step:,}")
    return table


def _figures(event: Scored) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in event.figures.items())


def _note(event: Note) -> str:
    return event.text if event.text.startswith("warning: ") else f"note: {event.text}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
