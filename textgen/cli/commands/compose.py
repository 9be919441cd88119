"""`textgen compose`: sentences around given words."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.commands import edit

WORDS = "Words that every sentence contains."
COMPOSE: opt.Flags = {
    "keyword": opt.CONTENT["keyword"],
    "ordered": Annotated[
        bool | None,
        typer.Option(
            "--ordered/--any-order",
            help="The words come in their order (default any).",
            rich_help_panel=opt.CONTENT_PANEL,
            show_default=False,
        ),
    ],
    "whole_words": Annotated[
        float | None, edit.law("Cost of an end of a word inside a longer one (default 2).")
    ],
}


@opt.takes(
    opt.COMMON,
    COMPOSE,
    edit.CHAIN,
    edit.LAW,
    {"keywords_field": Annotated[str | None, opt.KEYWORDS_FIELD]},
    opt.READING,
    opt.BATCH,
    opt.OBSERVE,
)
def compose(
    given: dict[str, Any],
    words: Annotated[list[str] | None, typer.Argument(help=WORDS, show_default=False)] = None,
    model: opt.Model = "gpt2",
    input: opt.Inputs = None,
    output: opt.Output = None,
    as_json: opt.Json = False,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Write sentences around given words (用词造句), by inserting, deleting and replacing.

    A text file holds a set of words a line, with blanks or ，,、；;| between them.
    """
    from textgen.batch.planner import take
    from textgen.cli.run import Sink, target_of
    from textgen.options import RunOptions

    run = take(given, RunOptions)
    rows = edit.word_rows(words or (), input, given, target_of(output, run))
    return edit.edit("compose", model, rows, given, run, Sink(output, as_json, quiet), show=edit.show_text)
