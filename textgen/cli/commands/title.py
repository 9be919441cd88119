"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import Sink, generate
from textgen.cli.render.titles import titles
from textgen.commands import COMMANDS
from textgen.options import InputOptions, RunOptions, TitleOptions, composed


@opt.takes(opt.flags_of(composed(TitleOptions), InputOptions, RunOptions))
def title(
    inputs: Annotated[list[str], typer.Argument(help=opt.INPUTS, metavar="INPUT")],
    options: dict[str, Any],
    sink: Sink,
    model: opt.Model = COMMANDS["title"].model,
) -> int:
    """Print one title a line for a single article; for several, name, tab, title."""
    return generate("title", inputs, options, model=model, sink=sink, shown=titles)
