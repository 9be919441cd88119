"""What a person sees: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textgen.events import Event, Note, OnEvent, Progress, Shortened

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SHOWN = 3  # warnings of one kind printed one by one; the rest are counted


def note(text: str, *, quiet: bool = False) -> None:
    """A line on stderr."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def result(text: str, *, end: str = "\n") -> None:
    """A line on stdout."""
    print(text, end=end, flush=True)  # noqa: T201


def report(line: str) -> None:
    """An error: one line with its hint."""
    note(f"error: {line}")


def rule(number: int) -> None:
    """What tells samples apart: a dim numbered rule on a terminal, a blank line in a pipe."""
    if not sys.stdout.isatty():
        if number > 1:
            result("")
        return
    from rich.console import Console

    Console().rule(f"{number}", style="dim", align="left")


@contextmanager
def listening(total: int, *, quiet: bool, to_file: bool = False) -> Iterator[OnEvent]:
    """Render events: a progress bar for more than one row on a terminal, and warnings.

    Args:
        total: How many rows there are.
        quiet: Render nothing.
        to_file: Results go into a file, so that stdout stays empty.
    """
    if quiet:
        yield lambda event: None
        return
    shortened: list[Shortened] = []
    # never beside results on the same terminal, which a bar would be drawn through
    shown = sys.stderr.isatty() and (to_file or not sys.stdout.isatty())
    bar = _bar() if total > 1 and shown else None
    task = bar.add_task("", total=total) if bar else None

    def on_event(event: Event) -> None:
        if isinstance(event, Shortened):
            shortened.append(event)
            if len(shortened) <= SHOWN:
                note(_warning(event))
        elif isinstance(event, Note):
            note(f"note: {event.text}")
        elif isinstance(event, Progress) and bar and task is not None:
            bar.update(task, completed=event.done)

    if bar:
        with bar:
            yield on_event
    else:
        yield on_event
    if len(shortened) > SHOWN:
        note(f"warning: {len(shortened) - SHOWN} more inputs were longer than the model reads")


def _warning(event: Shortened) -> str:
    name = event.name or "input"
    return f"warning: {name}: used {event.used:,} of {event.tokens:,} tokens ({event.how})"


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    return Bar(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
