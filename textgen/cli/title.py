"""`textgen title`: titles of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from textgen.cli import console
from textgen.cli import options as opt

if TYPE_CHECKING:
    from textgen.schema import Record


def title(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Text files, a folder, JSONL or CSV files, or - for stdin.", metavar="INPUT…"),
    ],
    model: Annotated[str | None, opt.option("A model's name or directory [title].", "-m", "--model")] = None,
    num_candidates: opt.NumCandidates = None,
    output: opt.Output = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
    field: opt.Field = "text",
    long: Annotated[
        str | None,
        opt.option("What to read of an article longer than the model.", metavar="head|head-tail|lead|chunk"),
    ] = None,
    skip_first_line: Annotated[
        bool | None,
        typer.Option("--skip-first-line", help="The articles begin with their headline.", show_default=False),
    ] = None,
    keep_layout: Annotated[
        bool | None,
        typer.Option("--keep-layout", help="Do not clean indents and blank lines.", show_default=False),
    ] = None,
    direction: Annotated[
        str | None, opt.option("Write left to right or right to left.", panel=opt.DECODING, metavar="l2r|r2l")
    ] = None,
    decode: opt.Decode = None,
    beams: opt.Beams = None,
    length_penalty: opt.LengthPenalty = None,
    max_new_tokens: opt.MaxNewTokens = None,
    repetition_penalty: opt.RepetitionPenalty = None,
    no_repeat_ngram: opt.NoRepeatNgram = None,
    temperature: opt.Temperature = None,
    top_k: opt.TopK = None,
    top_p: opt.TopP = None,
    min_p: opt.MinP = None,
    typical_p: opt.TypicalP = None,
    seed: opt.Seed = None,
    batch_size: opt.BatchSize = None,
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
    from textgen.cli.run import Request, choose_model, collect, generate, options_for, seeded

    given = collect(
        "title",
        config,
        model=model,
        num_candidates=num_candidates,
        long=long,
        skip_first_line=skip_first_line,
        keep_layout=keep_layout,
        direction=direction,
        decode=decode,
        beams=beams,
        length_penalty=length_penalty,
        max_new_tokens=max_new_tokens,
        repetition_penalty=repetition_penalty,
        no_repeat_ngram=no_repeat_ngram,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        typical_p=typical_p,
        seed=seed,
        batch_size=batch_size,
    )
    files = choose_model(given.pop("model", "title"), ("title",), "textgen sample continues prompts with it")
    options = options_for(files, given)
    rows = read_articles(inputs, field)
    if output:
        check_output(output, inputs, force=force)
    options = seeded(options, quiet=quiet)

    def show(record: Record) -> None:
        for candidate in record.candidates:
            console.result(candidate.text if len(rows) == 1 else f"{record.id}\t{candidate.text}")

    return generate(Request(files, options, rows, output, as_json, quiet, threads), show)
