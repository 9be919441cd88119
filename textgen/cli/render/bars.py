"""Bars on stderr: how far the rows are, and the steps of the chains that run now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textgen.events import Progress, Steps

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

STEADY = 1.0  # seconds before a speed can be told
PERIOD = 3600.0  # seconds that the time left is told by; a batch of chains may take minutes


class Bars:
    """Bars of the rows, if there are several, and of the steps of the chains that run now.

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
        self._first: tuple[float, Progress] | None = None

    def see(self, event: Progress | Steps) -> None:
        """Show how far it is."""
        if isinstance(event, Steps):
            self._stepped(event)
        elif self._rows is not None:
            self._bar.update(self._rows, completed=event.done, facts=self._facts(event))
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

    def _facts(self, event: Progress) -> str:
        """Speed since the first batch was done, and errors."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, event
        began, first = self._first
        facts = [f"{event.errors} errors"] if event.errors else []
        if (elapsed := now - began) >= STEADY:
            rows, tokens = (event.rows - first.rows) / elapsed, (event.tokens - first.tokens) / elapsed
            facts = [f"{rows:.1f} rows/s", f"{tokens:,.0f} tokens/s", *facts]
        return "  ".join(facts)

    def _add(self, what: str, total: int) -> TaskID:
        task = self._bar.add_task(what, total=total, facts="")
        self._bar.start()  # not before: without a task it would draw an empty line
        return task


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # what is printed on stderr goes above the bars; results are for another file than this terminal
    return Bar(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}"),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=True,
        speed_estimate_period=PERIOD,
    )
