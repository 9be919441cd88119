"""`textgen correct`: the text as it was meant."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from textgen.cli import flags as opt
from textgen.cli.commands import edit
from textgen.cli.render import console

if TYPE_CHECKING:
    from textgen.schema import Candidate, Row

CORRECT: opt.Flags = {
    "distance": Annotated[float | None, edit.DISTANCE],
    "similarity": Annotated[float | None, edit.SIMILARITY],
}


def show_change(candidate: Candidate, row: Row) -> None:
    """Print the text and, where it is another one, what was changed in it."""
    from textgen.text.diff import marked

    console.result(candidate.text)
    source, found = row.text, candidate.changes or ()
    changed = bool(found)
    if not sys.stdout.isatty():
        if changed:
            console.result(f"  {marked(source, candidate.text, found)}")
        return
    if not changed:
        console.styled(("  no change", "dim"))
        return
    parts: list[str | tuple[str, str]] = ["  "]
    end = 0
    for change in found:
        parts.append((candidate.text[end : change.start], "dim"))
        parts.append((source[change.source_start : change.source_end], "red strike"))
        parts.append((candidate.text[change.start : change.end], "bold green"))
        end = change.end
    console.styled(*parts, (candidate.text[end:], "dim"))


correct = edit.on_sentences(
    "correct", "Correct a sentence, and show what was changed.", show_change, edit.KEEP, CORRECT
)
