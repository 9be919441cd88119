"""`textgen sample`: continuations and samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from textgen.cli import console
from textgen.cli import options as opt
from textgen.errors import UsageError

if TYPE_CHECKING:
    from textgen.cli.run import Request
    from textgen.schema import Record, Row

CHAIN = "Chains (bert)"


def sample(
    prompt: Annotated[
        str | None,
        typer.Argument(
            help="What to continue (gpt2), or the sentence to start from (bert).", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None, opt.option("gpt2, bert or a model's directory [gpt2].", "-m", "--model")
    ] = None,
    num_candidates: opt.NumCandidates = None,
    input: Annotated[
        str | None,
        opt.option(
            "Prompts from a file: one a line, JSONL or CSV; - is stdin.", "-i", "--input", metavar="FILE"
        ),
    ] = None,
    output: opt.Output = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
    field: opt.Field = "text",
    stream: Annotated[
        bool, typer.Option("--stream", help="Show the text as it is written.", show_default=False)
    ] = False,
    end_at: Annotated[
        str | None, opt.option("Where the text may end [any].", panel=opt.DECODING, metavar="any|sentence")
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
    length: Annotated[
        str | None, opt.option("Pieces of a free sample, such as 16 or 12-24 [12-24].", panel=CHAIN)
    ] = None,
    sweeps: Annotated[int | None, opt.option("Sweeps of each chain [20].", panel=CHAIN)] = None,
    burn_in: Annotated[int | None, opt.option("Sweeps left out at the start [a third].", panel=CHAIN)] = None,
    thin: Annotated[int | None, opt.option("Keep every so many sweeps [1].", panel=CHAIN)] = None,
    seed: opt.Seed = None,
    batch_size: opt.BatchSize = None,
    threads: opt.Threads = None,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Continue a prompt (gpt2), or sample sentences (bert).

    Without a prompt both write freely. Samples come in the order drawn.
    """
    from textgen.batch.write import check_output
    from textgen.cli.run import Request, choose_model, collect, generate, options_for, seeded

    given = collect(
        "sample",
        config,
        model=model,
        num_candidates=num_candidates,
        end_at=end_at,
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
        length=length,
        sweeps=sweeps,
        burn_in=burn_in,
        thin=thin,
        seed=seed,
        batch_size=batch_size,
    )
    if stream and (as_json or output):
        raise UsageError("--stream shows text, not records", hint="leave out --json and -o")
    files = choose_model(given.pop("model", "gpt2"), ("gpt2", "bert"), "textgen title writes titles with it")
    if stream and files.kind != "gpt2":
        raise UsageError(f"a {files.kind} model does not write from left to right", hint="leave out --stream")
    options = options_for(files, given)
    rows = _rows(prompt, input, field)
    if output:
        check_output(output, [input] if input else [], force=force)
    options = seeded(options, quiet=quiet)
    request = Request(files, options, rows, output, as_json, quiet, threads)
    number = _numbering(len(rows) * options.num_candidates)
    if stream:
        return _stream(request, number)

    def show(record: Record) -> None:
        for candidate in record.candidates:
            number()
            console.result(candidate.text)

    return generate(request, show)


def _rows(prompt: str | None, input: str | None, field: str) -> list[Row]:
    from textgen.batch.read import read_prompts
    from textgen.schema import Row

    if input is None:
        return [Row(prompt or "", name="1")]
    if prompt is not None:
        raise UsageError("a prompt and -i exclude each other", hint="put the prompt into the file")
    return read_prompts(input, field)


def _numbering(total: int) -> Callable[[], None]:
    """Call before each sample: draws what tells it apart from the one before."""
    shown = 0

    def number() -> None:
        nonlocal shown
        shown += 1
        if total > 1:
            console.rule(shown)

    return number


def _stream(request: Request, number: Callable[[], None]) -> int:
    from textgen.backends.gpt2 import Gpt2Backend
    from textgen.cli.run import FAILED, OK, SOME_FAILED, load
    from textgen.errors import DataError
    from textgen.options import ContinueOptions

    assert isinstance(request.options, ContinueOptions)  # the model is a gpt2
    backend = Gpt2Backend(load(request))
    seed = backend.seeded(request.options)
    failed = 0
    with console.listening(1, quiet=request.quiet) as on_event:
        for row in request.rows:
            try:
                if row.error is not None:
                    raise DataError(row.error)
                for candidate in range(request.options.num_candidates):
                    parts = backend.stream_row(
                        row, request.options, seed, candidate=candidate, on_event=on_event
                    )
                    number()
                    console.result(row.text, end="")
                    for part in parts:
                        console.result(part, end="")
                    console.result("")
            except DataError as error:
                failed += 1
                console.report(error.line)
    if not failed:
        return OK
    return FAILED if failed == len(request.rows) else SOME_FAILED
