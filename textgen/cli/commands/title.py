"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import Sink, generate
from textgen.cli.render.titles import titles
from textgen.options import InputOptions, RunOptions, TitleOptions, composed

INPUTS = "Files, folders or 'patterns*' of texts or tables, also packed (.gz, .xz), or - for stdin."


@opt.takes(opt.flags_of(composed(TitleOptions), InputOptions, RunOptions))
def title(
    inputs: Annotated[list[str], typer.Argument(help=INPUTS, metavar="INPUT")],
    options: dict[str, Any],
    sink: Sink,
    model: opt.Model = "title",
) -> int:
    """Write titles for articles, best first.

    One article prints one title a line; several print name, tab, title.
    """
    return generate("title", inputs, options, model=model, sink=sink, shown=titles)
