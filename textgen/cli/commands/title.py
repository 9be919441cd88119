"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.render import console
from textgen.cli.render.titles import passages, title_line

if TYPE_CHECKING:
    from textgen.schema import Record, Row

INPUTS = "Text, JSONL, CSV, TSV (also .gz, .xz) or Parquet files, folders, 'patterns*', or - for stdin."
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
            "How candidates compare (default blend; pmi with --one-of; logprob after --decode).",
            metavar="logprob|agree|mbr|blend|pmi|scorer",
        ),
    ],
    "scorer": Annotated[
        str | None, opt.decoding("With --rank scorer: the model that ranks.", metavar="MODEL")
    ],
    "length": Annotated[
        str | None,
        opt.content("Characters of a title, such as 8-15; spaces do not count.", metavar="MIN-MAX"),
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
    "checks": Annotated[
        bool | None,
        typer.Option(
            "--checks/--no-checks",
            help="Put titles that fail an editor's checks last, and look for sound ones (default: yes).",
            rich_help_panel=opt.DECODING_PANEL,
            show_default=False,
        ),
    ],
    "explain": Annotated[
        bool | None, opt.switch("--explain", "Show what of the article each title is supported by.")
    ],
}


@opt.takes(
    opt.COMMON,
    opt.DECODING,
    opt.CONTENT,
    TITLE,
    {
        "field": Annotated[str | None, opt.FIELD],
        "keywords_field": Annotated[str | None, opt.KEYWORDS_FIELD],
    },
    opt.READING,
    opt.BATCH,
)
def title(
    inputs: Annotated[list[str], typer.Argument(help=INPUTS, metavar="INPUT")],
    given: dict[str, Any],
    model: opt.Model = "title",
    output: opt.Output = None,
    as_json: opt.Json = False,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Write titles for articles, best first.

    One article prints one title a line; several print name, tab, title.
    """
    from textgen.batch.planner import choose_model, options_for, read_rows, take
    from textgen.cli.observers import Observation
    from textgen.cli.run import Sink, generate, request_for, target_of
    from textgen.options import RunOptions

    run = take(given, RunOptions)
    files = choose_model("title", model)
    rows = read_rows("title", inputs, given, target_of(output, run))
    options = options_for("title", files, given)
    sink = Sink(output, as_json, quiet)
    request = request_for("title", files, options, rows, run, sink, Observation())
    several = len(rows) > 1
    details = options.num_candidates > 1 or getattr(options, "explain", False)

    def show(record: Record, row: Row) -> None:
        for candidate in record.candidates:
            line = console.cells(*([record.id] if several else []), candidate.text)
            title_line(line, candidate, details=details)
            if candidate.support is not None:
                passages(candidate, row.text)

    return generate(request, show)
