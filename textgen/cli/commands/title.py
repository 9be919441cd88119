"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import Sink, generate
from textgen.cli.render.titles import titles
from textgen.commands import COMMANDS
from textgen.options import InputOptions, PromptedTitleOptions, RunOptions, TitleOptions, composed

# which language models of other makes take beside
PROMPT = opt.without(opt.flags_of(PromptedTitleOptions), *TitleOptions.model_fields)


@opt.takes(
    opt.flags_of(composed(TitleOptions)),
    PROMPT,
    opt.without(opt.flags_of(InputOptions, RunOptions), "choices_field"),
)
def title(
    inputs: Annotated[list[str], typer.Argument(help=opt.INPUTS, metavar="INPUT")],
    options: dict[str, Any],
    sink: Sink,
    model: opt.Model = COMMANDS["title"].model,
) -> int:
    """Print one title a line for a single article; for several, name, tab, title."""
    return generate("title", inputs, options, model=model, sink=sink, shown=titles)
