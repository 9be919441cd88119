"""`textgen compose`: sentences around given words."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.cli import edit
from textgen.cli import options as opt

WORDS = "Words that every sentence contains."
FILE = "Sets of words: a file with one a line (blanks or ，、; between words), JSONL, CSV; - is stdin."
FIELD = "The field of a JSONL or CSV row with its words (default keywords)."
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


@opt.takes(opt.COMMON, COMPOSE, edit.CHAIN, edit.LAW, opt.OBSERVE)
def compose(
    given: dict[str, Any],
    words: Annotated[list[str] | None, typer.Argument(help=WORDS, show_default=False)] = None,
    model: opt.Model = "gpt2",
    input: Annotated[str | None, opt.option(FILE, "-i", "--input", metavar="FILE")] = None,
    output: opt.Output = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
    keyword_field: Annotated[str | None, opt.option(FIELD)] = None,
    threads: opt.Threads = None,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Write sentences around given words (用词造句), by inserting, deleting and replacing."""
    rows = edit.word_rows(words or (), input, keyword_field, given)
    sink = edit.Sink(output, force, as_json, quiet, threads)
    inputs = [input] if input else []
    return edit.edit("compose", model, rows, given, sink, inputs=inputs, show=edit.show_text)
