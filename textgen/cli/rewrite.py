"""`textgen rewrite`: the same in other words."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import edit
from textgen.cli import options as opt

SENTENCE = "A sentence."
FILE = "Sentences from a file: one a line, JSONL or CSV; - is stdin."
REWRITE: opt.Flags = {
    "similarity": Annotated[float | None, edit.SIMILARITY],
    "changes": Annotated[
        float | None, edit.law("Share of the characters that should be edited (default 0.3).")
    ],
    "change_weight": Annotated[float | None, edit.law("Cost of an edit that is missing (default 4).")],
    "content": Annotated[float | None, edit.law("Cost of a content word that is lost (default 2).")],
    "shared": Annotated[
        float | None, edit.law("Weight of the share of common characters; below 0 others are wanted (0).")
    ],
    "distance": Annotated[float | None, edit.DISTANCE],
}


@opt.takes(opt.COMMON, edit.KEEP, REWRITE, edit.CHAIN, edit.LAW, opt.OBSERVE)
def rewrite(
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
    """Say the same in other words."""
    rows = edit.sentences(sentence, input, field)
    sink = edit.Sink(output, force, as_json, quiet, threads)
    inputs = [input] if input else []
    return edit.edit("rewrite", model, rows, given, sink, inputs=inputs, show=edit.show_text)
