"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import console
from textgen.cli import options as opt

if TYPE_CHECKING:
    from textgen.schema import Record

INPUTS = "Text files, a folder, JSONL or CSV files, or - for stdin."
TITLE: opt.Flags = {
    "long": Annotated[
        str | None,
        opt.option("What to read of an article longer than the model.", metavar="head|head-tail|lead|chunk"),
    ],
    "skip_first_line": Annotated[
        bool | None, opt.switch("--skip-first-line", "The articles begin with their headline.")
    ],
    "keep_layout": Annotated[
        bool | None, opt.switch("--keep-layout", "Do not clean indents and blank lines.")
    ],
    "direction": Annotated[
        str | None, opt.decoding("Write left to right or right to left (default l2r).", metavar="l2r|r2l")
    ],
}


@opt.takes(TITLE, opt.COMMON, opt.DECODING)
def title(
    inputs: Annotated[list[str], typer.Argument(help=INPUTS, metavar="INPUT")],
    given: dict[str, Any],
    model: opt.Model = "title",
    output: opt.Output = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
    field: opt.Field = "text",
    threads: opt.Threads = None,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Write titles for articles, best first.

    One article prints one title a line; several print name, tab, title.
    """
    from textgen.batch.read import read_articles
    from textgen.batch.write import check_output
    from textgen.cli.run import Request, choose_model, generate, one_sink, options_for, seeded

    one_sink(output, as_json=as_json)
    files = choose_model(model, "title", "textgen sample continues prompts with it")
    options = options_for(files, given)
    rows = read_articles(inputs, field)
    if output:
        check_output(output, inputs, force=force)
    options = seeded(options, quiet=quiet)

    def show(record: Record) -> None:
        name = "" if len(rows) == 1 else " ".join(record.id.split()) + "\t"
        for candidate in record.candidates:
            console.result(name + candidate.text)

    return generate(Request(files, options, rows, output, as_json, quiet, threads), show)
