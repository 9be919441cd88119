"""What is told of many rows: the first in full, the rest by their number, in good English."""

from __future__ import annotations

import pytest

from textgen.cli.render import console
from textgen.events import Shortened
from textgen.schema import Record


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (10, None),
        (11, "error: 1 more row is an error; its record says why"),
        (12, "error: 2 more rows are errors; their records say why"),
    ],
)
def test_errors_beyond_the_first_are_counted(
    capsys: pytest.CaptureFixture[str], rows: int, told: str | None
) -> None:
    errors = console.Errors(rows)
    for number in range(rows):
        errors.see(Record(str(number), [], "m", error="wrong"))
    errors.end()
    lines = capsys.readouterr().err.splitlines()
    assert lines[:10] == [f"error: {number}: wrong" for number in range(10)]
    assert lines[10:] == ([told] if told else [])


@pytest.mark.parametrize(
    ("rows", "notes", "inputs"),
    [
        (4, "1 more row has notes; its record holds them", "1 more input was longer than the model reads"),
        (
            5,
            "2 more rows have notes; their records hold them",
            "2 more inputs were longer than the model reads",
        ),
    ],
)
def test_notes_beyond_the_first_are_counted(
    capsys: pytest.CaptureFixture[str], rows: int, notes: str, inputs: str
) -> None:
    errors = console.Errors(rows)
    for number in range(rows):
        errors.see(Record(str(number), [], "m", notes=("long",)))
    errors.end()
    assert capsys.readouterr().err.splitlines()[3:] == [f"warning: {notes}"]
    with console.listening(rows, quiet=False) as on_event:
        for number in range(rows):
            on_event(Shortened(str(number), 1, 2, "head"))
    assert capsys.readouterr().err.splitlines()[3:] == [f"warning: {inputs}"]
