"""What a person sees: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textgen.events import Event, Note, OnEvent, Progress, Shortened, Steps, ignore

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

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
def listening(total: int, *, quiet: bool, to_file: bool = False, watched: bool = False) -> Iterator[OnEvent]:
    """Render events: bars for more than one row and for chains' steps on a terminal, and warnings.

    Args:
        total: How many rows there are.
        quiet: Render nothing.
        to_file: Results go into a file, so that stdout stays empty.
        watched: The chains are drawn on the terminal already.
    """
    if quiet:
        yield ignore
        return
    shortened: list[Shortened] = []
    shared = sys.stdout.isatty() and not to_file
    bars = _Bars(total, shared=shared) if sys.stderr.isatty() and not watched else None

    def on_event(event: Event) -> None:
        if isinstance(event, Shortened):
            shortened.append(event)
            if len(shortened) <= SHOWN:
                note(_warning(event))
        elif isinstance(event, Note):
            note(f"note: {event.text}")
        elif bars and isinstance(event, Progress | Steps):
            bars.see(event)

    try:
        yield on_event
    finally:
        if bars:
            bars.stop()
    if len(shortened) > SHOWN:
        note(f"warning: {len(shortened) - SHOWN} more inputs were longer than the model reads")


class _Bars:
    """Bars on stderr: of the rows, if there are several, and of the steps of the chains that run now.

    Args:
        total: How many rows there are.
        shared: Results come on the same terminal: then there is no bar of the rows, and that of the steps
            is taken off as soon as results may come.
    """

    def __init__(self, total: int, *, shared: bool = False) -> None:
        self._bar = _bar()
        self._shared = shared
        self._rows = self._add("rows", total) if total > 1 and not shared else None
        self._steps: TaskID | None = None
        self._done = 0

    def see(self, event: Progress | Steps) -> None:
        """Show how far it is."""
        if isinstance(event, Steps):
            self._stepped(event)
        elif self._rows is not None:
            self._bar.update(self._rows, completed=event.done)
        elif self._shared and self._steps is not None:
            self.stop()
            self._bar, self._steps, self._done = _bar(), None, 0

    def stop(self) -> None:
        """Take the bars off the screen."""
        if self._bar.tasks:
            self._bar.stop()

    def _stepped(self, event: Steps) -> None:
        if self._steps is None:
            self._steps = self._add("steps", event.total)
        if event.done < self._done:  # another batch of rows, with a pace of its own
            self._bar.reset(self._steps)
        self._done = event.done
        self._bar.update(self._steps, completed=event.done, total=event.total)

    def _add(self, what: str, total: int) -> TaskID:
        task = self._bar.add_task(what, total=total)
        self._bar.start()  # not before: without a task it would draw an empty line
        return task


def _warning(event: Shortened) -> str:
    name = event.name or "input"
    return f"warning: {name}: used {event.used:,} of {event.tokens:,} tokens ({event.how})"


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    # what is printed on stderr goes above the bars; results are for another file than this terminal
    return Bar(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=True
    )
