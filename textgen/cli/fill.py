"""`textgen fill`: blanks of unknown length."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import edit
from textgen.cli import options as opt

SENTENCE = "A sentence with blanks, such as 今天___很好."
FILE = "Sentences from a file: one a line, JSONL or CSV; - is stdin."


@opt.takes(opt.COMMON, edit.CHAIN, edit.LAW, opt.OBSERVE)
def fill(
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
    """Fill the blanks (___) of a sentence."""
    rows = edit.sentences(sentence, input, field)
    sink = edit.Sink(output, force, as_json, quiet, threads)
    inputs = [input] if input else []
    return edit.edit("fill", model, rows, given, sink, inputs=inputs, show=edit.show_text)
