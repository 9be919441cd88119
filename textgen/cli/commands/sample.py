"""`textgen sample`: continuations and samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.commands import edit
from textgen.cli.render import console
from textgen.errors import UsageError

if TYPE_CHECKING:
    from textgen.batch.engine import Rows
    from textgen.batch.output import Output
    from textgen.cli.run import Request
    from textgen.schema import Record, Row

PROMPT = "What to continue (gpt2), or the sentence to start from (bert)."
CHAIN_PANEL = "Chains (bert)"
FIELD_NAMES = ("--field", "--prompt-field")
CGMH = "cgmh"  # not a model: what textgen compose does


def chain(help: str, *, metavar: str | None = None) -> Any:
    """A flag of a Markov chain."""
    return opt.option(help, panel=CHAIN_PANEL, metavar=metavar)


SAMPLE: opt.Flags = {
    "style": Annotated[
        str | None, opt.content("A style to write in, of a model that was trained with styles.")
    ],
    "guidance": Annotated[
        float | None, opt.content("How far to exaggerate it; 0 not at all (the default), 1 to 3 clearly.")
    ],
    "end_at": Annotated[
        str | None,
        opt.decoding(
            "Where the text may end (default sentence, written up to 128 pieces longer for it; any for "
            "searches that do not write from left to right for good).",
            metavar="any|sentence",
        ),
    ],
    "rank": Annotated[
        str | None,
        opt.decoding(
            "Draw each text several times and give the best: the most probable, or (blend) one whose "
            "sentences also belong together (default none).",
            metavar="none|logprob|blend",
        ),
    ],
    "best_of": Annotated[int | None, opt.decoding("How often each text is drawn for --rank (default 4).")],
    "method": Annotated[
        str | None,
        chain(
            "Take all that is drawn (gibbs, the default; then --scan, --temperature and --top-k shape the "
            "law), accept by --energy (mh), or cool to its best text (anneal).",
            metavar="gibbs|mh|anneal",
        ),
    ],
    "scan": Annotated[
        str | None,
        chain("Which places are drawn together (default random).", metavar="random|sequential|block|all"),
    ],
    "block": Annotated[int | None, chain("Places of a block (default 3).")],
    "energy": Annotated[
        str | None,
        chain("Sum of negative logits, or of negative log-probabilities (default raw).", metavar="raw|local"),
    ],
    "anneal": Annotated[
        str | None,
        chain(
            "First and last temperature of the search (default 1.0:0.3); it falls by a constant difference, "
            "or with :geometric by a constant factor.",
            metavar="FIRST:LAST",
        ),
    ],
    "chains": Annotated[
        int | None, chain("Chains (default one a text); fewer give several texts each, the last ones first.")
    ],
    "length": Annotated[
        str | None, chain("Characters of a free sample, such as 16 or 12-24 (default 12-24).")
    ],
    "keep": Annotated[
        list[str] | None, chain("A part of the sentence that may not change; may be given several times.")
    ],
    "steps": Annotated[int | None, chain("Edits of a chain of --model cgmh (default 200).")],
    "sweeps": Annotated[int | None, chain("Sweeps of each chain (default 20).")],
    "burn_in": Annotated[int | None, chain("Sweeps not recorded at the start (default a third).")],
    "thin": Annotated[
        int | None, chain("Record every so many sweeps (default 1); a text is the last recorded.")
    ],
}


@opt.takes(
    opt.COMMON,
    SAMPLE,
    opt.DECODING,
    opt.CONTENT,
    {
        "field": Annotated[
            str | None, opt.files("The field of a table with the prompt (default text).", *FIELD_NAMES)
        ],
        "keywords_field": Annotated[str | None, opt.KEYWORDS_FIELD],
    },
    opt.READING,
    opt.BATCH,
    opt.OBSERVE,
)
def sample(
    given: dict[str, Any],
    prompt: Annotated[str | None, typer.Argument(help=PROMPT, show_default=False)] = None,
    model: opt.Model = "gpt2",
    input: opt.Inputs = None,
    output: opt.Output = None,
    as_json: opt.Json = False,
    stream: Annotated[bool, opt.switch("--stream", "Show the text as it is written.")] = False,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Continue a prompt (gpt2, the default), or sample sentences (bert).

    Without a prompt both write freely. Samples come in the order drawn.

    --model cgmh is textgen compose, whose help tells more options and other defaults.
    """
    from textgen.batch.planner import choose_model, options_for, take
    from textgen.cli.observers import observation_of
    from textgen.cli.run import Sink, generate, request_for, target_of
    from textgen.options import RunOptions

    if stream and (as_json or output):
        raise UsageError("--stream shows text, not records", hint="leave out --json and -o")
    run, sink = take(given, RunOptions), Sink(output, as_json, quiet)
    target = target_of(output, run)
    if model == CGMH:
        if prompt or stream:
            hint = "give the words with --keyword, or a file of them with -i"
            raise UsageError(f"--model {CGMH} takes no prompt and does not stream", hint=hint)
        if "field" in given:
            hint = "--keywords-field names the words"
            raise UsageError(f"--field does not apply to --model {CGMH}", hint=hint)
        words = edit.word_rows((), input, given, target)
        return edit.edit("compose", "gpt2", words, given, run, sink, show=edit.show_text)
    if stream and (unfit := sorted(run.model_fields_set - {"threads"})):
        raise UsageError(f"{{@{unfit[0]}}} does not go with --stream", hint="leave out one of them")
    observation = observation_of(given)
    files = choose_model("sample", model)
    if stream and files.kind != "gpt2":
        raise UsageError(f"a {files.kind} model does not write from left to right", hint="leave out --stream")
    rows = _rows(prompt, input, given, target)
    options = options_for("sample", files, given)
    if prompt and "length" in options.model_fields_set:
        raise UsageError("a seed sentence has its own length", hint="leave out --length, or the sentence")
    if not (prompt or "").strip() and not input and "keep" in options.model_fields_set:
        raise UsageError("--keep needs a sentence", hint="give the sentence that the words are part of")
    request = request_for("sample", files, options, rows, run, sink, observation)
    number = _numbering(len(rows) * options.num_candidates)
    if stream:
        return _stream(request, number)

    def show(record: Record, row: Row) -> None:
        for candidate in record.candidates:
            number()
            console.result(candidate.text)

    return generate(request, show)


def _rows(prompt: str | None, inputs: list[str] | None, given: dict[str, Any], output: Output | None) -> Rows:
    from textgen.batch.planner import given_rows, read_rows
    from textgen.schema import Row

    if not inputs:
        return given_rows([Row(prompt or "", name="1")], given)
    if prompt is not None:
        raise UsageError("a prompt and -i exclude each other", hint="put the prompt into the file")
    return read_rows("sample", inputs, given, output)


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
    from textgen.batch.engine import threads
    from textgen.cli.run import FAILED, OK, SOME_FAILED
    from textgen.errors import DataError

    options = request.task.options
    failed = 0
    with threads(request.task.threads), console.listening(1, quiet=request.sink.quiet) as on_event:
        backend = request.task.open()
        seed = backend.begin(options, on_event)
        for row in request.rows:
            try:
                if row.error is not None:
                    raise DataError(row.error)
                for candidate in range(options.num_candidates):
                    parts = backend.stream_row(row, options, seed, candidate=candidate, on_event=on_event)
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
