"""Output for people: results on stdout, everything else on stderr.

All that is printed goes through here, where characters that would steer the terminal are made visible.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from textgen.cli.render.bars import Bars
from textgen.cli.spelling import flag
from textgen.events import Event, Note, OnEvent, Progress, Shortened, Steps, ignore
from textgen.messages import Message, located, spelled
from textgen.schema import Record
from textgen.text.visible import escaped, visible

SHOWN = 3  # warnings of one kind printed one by one; the rest are counted
ERRORS_SHOWN = 10


def note(text: str, *, quiet: bool = False) -> None:
    """A line on stderr."""
    if not quiet:
        print(visible(spelled(text, flag), keep="\t"), file=sys.stderr, flush=True)  # noqa: T201


def result(text: str, *, end: str = "\n") -> None:
    """A text on stdout, which may have several lines."""
    print(visible(text, keep="\n\t"), end=end, flush=True)  # noqa: T201


def json_result(line: str) -> None:
    """A line of JSON on stdout: still the same JSON, also where the encoding lacks a character."""
    shown = escaped(line)
    try:
        shown.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        shown = json.dumps(json.loads(line))
    print(shown, flush=True)  # noqa: T201


def cells(*values: str) -> str:
    """A line of several values, with tabs between them: none has a line end or a tab of its own."""
    return "\t".join(visible(value) for value in values)


def styled(*parts: str | tuple[str, str]) -> None:
    """A line on a terminal's stdout: texts, or texts with a style."""
    from rich.console import Console
    from rich.text import Text

    shown = [visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts]
    Console(highlight=False).print(Text.assemble(*shown), soft_wrap=True)


def report(line: str) -> None:
    """An error: one line with its hint."""
    note(Message("error: {line}", line=line))


def trace() -> None:
    """Print the traceback of the error that is being handled, on stderr."""
    for line in traceback.format_exc().splitlines():
        note(f"  {line}")  # no line of a message begins as one of ours does


def rule(number: int) -> None:
    """Separate samples: by a dim numbered rule on a terminal, a blank line in a pipe."""
    if not sys.stdout.isatty():
        if number > 1:
            result("")
        return
    from rich.console import Console

    Console().rule(f"{number}", style="dim", align="left")


class Errors:
    """Reports what records say to a person, errors and notes: the first in full, the rest by their number.

    Args:
        total: How many rows there are.
        quiet: Leave out notes.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._total, self._quiet = total, quiet
        self.count = 0
        self._noted = 0

    def see(self, record: Record) -> None:
        """Report a record if there is something to say of it."""
        name = "" if self._total == 1 else f"{record.id}: "
        if record.notes:
            self._noted += 1
            if self._noted <= SHOWN:
                for text in record.notes:
                    note(Message("warning: {name}{text}", name=name, text=text), quiet=self._quiet)
        if record.error is None:
            return
        self.count += 1
        if self.count <= ERRORS_SHOWN:
            report(record.error if self._total == 1 else located(record.id, record.error))

    def end(self) -> None:
        """Tell how many more there were."""
        if self._noted > SHOWN:
            more = self._noted - SHOWN
            rows = (
                "1 more row has notes; its record holds"
                if more == 1
                else f"{more} more rows have notes; their records hold"
            )
            note(f"warning: {rows} them", quiet=self._quiet)
        if self.count > ERRORS_SHOWN:
            more = self.count - ERRORS_SHOWN
            rows = (
                "1 more row is an error; its record says"
                if more == 1
                else f"{more} more rows are errors; their records say"
            )
            report(f"{rows} why")


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
    shared = sys.stdout.isatty() and not to_file
    bars = Bars(total, shared=shared) if sys.stderr.isatty() and not watched else None
    cut = 0

    def on_event(event: Event) -> None:
        nonlocal cut
        if isinstance(event, Shortened):
            cut += 1
            if cut <= SHOWN:
                tokens = f"used {event.used:,} of {event.tokens:,} tokens ({event.how})"
                note(f"warning: {event.name or 'input'}: {tokens}")
        elif isinstance(event, Note):
            note(Message("note: {text}", text=event.text))
        elif bars and isinstance(event, Progress | Steps):
            bars.see(event)

    try:
        yield on_event
    finally:
        if bars:
            bars.stop()
    if cut > SHOWN:
        inputs = "1 more input was" if cut == SHOWN + 1 else f"{cut - SHOWN} more inputs were"
        note(f"warning: {inputs} longer than the model reads")
