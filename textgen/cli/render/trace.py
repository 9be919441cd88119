"""`--trace`: every step of every chain as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from textgen.errors import TextgenError
from textgen.events import ChainStep, Event, OnEvent
from textgen.schema import finite

DECIMALS = 4


class Trace:
    """A file with the steps, in the order in which they were made.

    The file is emptied when the first step is there, so that a run that cannot begin destroys nothing.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def __call__(self, event: Event) -> None:
        """Write a step; other events are none of its business.

        Raises:
            TextgenError: The file cannot be written, for a full disk, say.
        """
        if not isinstance(event, ChainStep):
            return
        try:
            self._file = self._file or self._open()
            self._file.write(line(event) + "\n")
            self._file.flush()  # each: a flush is nothing beside a step, and the file can be followed
        except OSError as error:
            hint = "the last line may be incomplete, those before it are whole"
            failed = "writing {path} failed: {reason}"
            raise TextgenError(failed, path=self.path, reason=error.strerror, hint=hint) from None

    def close(self) -> None:
        """Close the file; what could not be written was told before."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _open(self) -> TextIO:
        # a lone surrogate becomes \udcxx, which is how JSON escapes it
        return self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")


@contextmanager
def tracing(path: Path) -> Iterator[OnEvent]:
    """A listener that writes the steps to a file."""
    trace = Trace(path)
    try:
        yield trace
    finally:
        trace.close()


def line(step: ChainStep) -> str:
    """A step as JSON; what is no number in JSON (minus infinity, where a text is impossible) is null."""
    fields = vars(step) | {"log_target": round(step.log_target, DECIMALS)}
    return json.dumps(finite(fields), ensure_ascii=False)
