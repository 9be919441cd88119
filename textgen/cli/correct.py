"""`textgen correct`: the text as it was meant."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import console, edit
from textgen.cli import options as opt

if TYPE_CHECKING:
    from textgen.schema import Candidate, Row

SENTENCE = "A sentence with mistakes."
FILE = "Sentences from a file: one a line, JSONL or CSV; - is stdin."
CORRECT: opt.Flags = {
    "distance": Annotated[float | None, edit.DISTANCE],
    "similarity": Annotated[float | None, edit.SIMILARITY],
}


@opt.takes(opt.COMMON, edit.KEEP, CORRECT, edit.CHAIN, edit.LAW, opt.OBSERVE)
def correct(
    given: dict[str, Any],
    sentence: Annotated[str | None, typer.Argument(help=SENTENCE, show_default=False)] = None,
    model: opt.Model = "gpt2",
    input: Annotated[str | None, opt.option(FILE, "-i", "--input", metavar="FILE")] = None,
    output: opt.Output = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
    field: opt.Field = "text",
    threads: opt.Threads = None,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Correct a sentence, and show what was changed."""
    rows = edit.sentences(sentence, input, field)
    sink = edit.Sink(output, force, as_json, quiet, threads)
    inputs = [input] if input else []
    return edit.edit("correct", model, rows, given, sink, inputs=inputs, show=show_change)


def show_change(candidate: Candidate, row: Row) -> None:
    """Print the text and, where it is another one, what was changed in it."""
    from textgen.text.changes import marked

    console.result(candidate.text)
    source = row.text.strip()
    if candidate.text == source:
        return
    if not sys.stdout.isatty():
        console.result(f"  {marked(source, candidate.text)}")
        return
    from rich.console import Console
    from rich.text import Text

    from textgen.text.changes import changes

    line = Text("  ")
    end = 0
    for change in changes(source, candidate.text):
        line.append(candidate.text[end : change.start], "dim")
        line.append(source[change.source_start : change.source_end], "red strike")
        line.append(candidate.text[change.start : change.end], "bold green")
        end = change.end
    line.append(candidate.text[end:], "dim")
    Console(highlight=False).print(line, soft_wrap=True)
