"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import options as opt
from textgen.cli.passages import passages, title_line

if TYPE_CHECKING:
    from textgen.schema import Record, Row

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
    "decode": Annotated[
        str | None,
        opt.decoding(
            "How to search (default: beams in both directions).",
            metavar=f"{opt.STRATEGIES}|agree|bidirectional",
        ),
    ],
    "direction": Annotated[
        str | None,
        opt.decoding(
            "Write left to right or right to left (default both where they are ranked together, else l2r).",
            metavar="l2r|r2l|both",
        ),
    ],
    "rank": Annotated[
        str | None,
        opt.decoding(
            "How candidates compare (default blend; logprob after --decode).",
            metavar="logprob|agree|mbr|blend",
        ),
    ],
    "interaction": Annotated[
        bool | None,
        typer.Option(
            "--interaction/--no-interaction",
            help="Let the streams of --decode bidirectional see each other (default: if trained for it).",
            rich_help_panel=opt.DECODING_PANEL,
            show_default=False,
        ),
    ],
    "explain": Annotated[
        bool | None, opt.switch("--explain", "Show what of the article each title is supported by.")
    ],
}


@opt.takes(opt.COMMON, opt.DECODING, opt.CONTENT, TITLE)
def title(
    inputs: Annotated[list[str], typer.Argument(help=INPUTS, metavar="INPUT")],
    given: dict[str, Any],
    model: opt.Model = "title",
    output: opt.Output = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
    field: opt.Field = "text",
    keyword_field: opt.KeywordField = None,
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
    rows = read_articles(inputs, field, keyword_field)
    if output:
        check_output(output, inputs, force=force)
    options = seeded(options, quiet=quiet)

    several = len(rows) > 1
    details = options.num_candidates > 1 or getattr(options, "explain", False)

    def show(record: Record, row: Row) -> None:
        name = " ".join(record.id.split()) + "\t" if several else ""
        for candidate in record.candidates:
            title_line(name + candidate.text, candidate, details=details)
            if candidate.support is not None:
                passages(candidate, row.text)

    return generate(Request(files, options, rows, output, as_json, quiet, threads), show)
