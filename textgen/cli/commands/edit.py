"""What the commands share that write by editing: compose, rewrite, correct, fill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.render import console
from textgen.errors import DataError, UsageError

if TYPE_CHECKING:
    from textgen.batch.engine import Rows
    from textgen.batch.output import Output
    from textgen.cli.run import Sink
    from textgen.options import RunOptions
    from textgen.schema import Candidate, Record, Row

CHAIN_PANEL = "Chain"
LAW_PANEL = "What counts as good"
ShowCandidate = Callable[["Candidate", "Row"], None]


def chain(help: str, *names: str, metavar: str | None = None) -> Any:
    """A flag of the chain."""
    return opt.option(help, *names, panel=CHAIN_PANEL, metavar=metavar)


def law(help: str, *names: str, metavar: str | None = None) -> Any:
    """A flag of the law that the chain samples."""
    return opt.option(help, *names, panel=LAW_PANEL, metavar=metavar)


CHAIN: opt.Flags = {
    "method": Annotated[
        str | None,
        chain("Sample the law (mh) or search its best text (anneal, the default).", metavar="mh|anneal"),
    ],
    "steps": Annotated[int | None, chain("Edits of a chain (default 200).")],
    "chains": Annotated[int | None, chain("Chains a row (default 4 or -n, under mh -n).")],
    "anneal": Annotated[
        str | None, chain("First and last temperature of a search (default 0.5:0.1; rewrite 1:0.1).")
    ],
    "proposals": Annotated[
        str | None,
        chain(
            "What proposes pieces (default bert): both sides, two directions, the left side, or a model.",
            metavar="bert|title|gpt2|DIR",
        ),
    ],
    "candidates": Annotated[
        int | None, chain("Weigh so many proposals by the language model (default 0: draw one).")
    ],
    "temperature": Annotated[float | None, chain("Divides the logits of the proposals (default 0.7).")],
    "top_k": Annotated[int | None, chain("Draw among the k best proposals (default all).")],
    "epsilon": Annotated[
        float | None, chain("How often a piece is drawn without regard to its place (default 0.01).")
    ],
}
LAW: opt.Flags = {
    "power": Annotated[float | None, law("Exponent of the language model's probability (default 1.0).")],
    "length": Annotated[
        str | None,
        law("Characters of a text, blanks not counted, such as 16 or 10-24; of each ___ in fill (1-8)."),
    ],
    "length_weight": Annotated[float | None, law("Cost of a character outside the length (default 5).")],
    "repetition": Annotated[
        float | None,
        law("Cost of a pair of pieces that was there before (default 3, correct 0)."),
    ],
    "length_reward": Annotated[
        float | None,
        law("Added for every piece, which is a character or a word of letters (default 2, correct 3)."),
    ],
}
KEEP: opt.Flags = {
    "keep": Annotated[
        list[str] | None,
        opt.content("A part of the text that may not change; may be given several times."),
    ],
}
ON_FIELD: opt.Flags = {"field": Annotated[str | None, opt.FIELD]}
SIMILARITY = law("Weight of the likeness of the embeddings (default: rewrite 100, correct 40).")
DISTANCE = law("Cost of an edit between the text and the result (default: rewrite 0, correct 6).")


def edit(
    command: str,
    model: str,
    rows: Rows,
    given: dict[str, Any],
    run: RunOptions,
    sink: Sink,
    *,
    show: ShowCandidate,
) -> int:
    """Run a command that writes by editing.

    Args:
        command: Its name.
        model: The language model.
        rows: The input.
        given: The options that the user set, but for those of reading and running.
        run: How the run goes.
        sink: Where results go.
        show: Prints a candidate.
    """
    from textgen.batch.planner import choose_model, options_for
    from textgen.cli.observers import observation_of
    from textgen.cli.run import generate, request_for

    observation = observation_of(given)
    files = choose_model(command, model)
    options = options_for(command, files, given)

    def show_all(record: Record, row: Row) -> None:
        for candidate in record.candidates:
            if len(rows) > 1:
                console.result(console.cells(record.id, ""), end="")
            show(candidate, row)

    return generate(request_for(command, files, options, rows, run, sink, observation), show_all)


def on_sentences(name: str, doc: str, show: ShowCandidate, *groups: opt.Flags) -> Callable[..., int]:
    """Make a command that works on a sentence, or on those of a file.

    Args:
        name: The command's name.
        doc: Its help.
        show: Prints a candidate.
        *groups: Flags beside those that all such commands take.
    """

    def command(
        given: dict[str, Any],
        sentence: Annotated[str | None, typer.Argument(help="The sentence.", show_default=False)] = None,
        model: opt.Model = "gpt2",
        input: opt.Inputs = None,
        output: opt.Output = None,
        as_json: opt.Json = False,
        config: opt.Config = None,
        quiet: opt.Quiet = False,
        debug: opt.Debug = False,
    ) -> int:
        from textgen.batch.planner import take
        from textgen.cli.run import Sink, target_of
        from textgen.options import RunOptions

        run = take(given, RunOptions)
        rows = sentence_rows(name, sentence, input, given, target_of(output, run))
        return edit(name, model, rows, given, run, Sink(output, as_json, quiet), show=show)

    command.__name__, command.__doc__ = name, doc
    return opt.takes(opt.COMMON, *groups, CHAIN, LAW, ON_FIELD, opt.READING, opt.BATCH, opt.OBSERVE)(command)


def sentence_rows(
    command: str,
    sentence: str | None,
    inputs: list[str] | None,
    given: dict[str, Any],
    output: Output | None,
) -> Rows:
    """The row of a literal sentence, or those of files."""
    from textgen.batch.planner import given_rows, read_rows
    from textgen.files.formats.base import STDIN
    from textgen.schema import Row

    if inputs and sentence is not None:
        raise UsageError("a sentence and -i exclude each other", hint="put the sentence into the file")
    if inputs:
        return read_rows(command, inputs, given, output)
    if sentence is None or sentence.strip() in ("", STDIN):
        hint = "give one as an argument, or a file with -i; -i - is stdin"
        raise UsageError("there is no sentence", hint=hint)
    return given_rows([Row(sentence, name="1")], given)


def word_rows(
    words: Sequence[str], inputs: list[str] | None, given: dict[str, Any], output: Output | None
) -> Rows:
    """The row of some words, or those of files; words for all rows may be among the options given."""
    from textgen.batch.planner import given_rows, read_rows
    from textgen.files.formats.base import STDIN
    from textgen.schema import Row
    from textgen.text.keywords import words_of

    if words and inputs:
        raise UsageError("words and -i exclude each other", hint="--keyword adds a word to every set")
    if inputs:
        return read_rows("compose", inputs, given, output)
    try:
        row = Row("", name="1", keywords=tuple(word for text in words for word in words_of(text)))
    except DataError as error:
        raise UsageError(error.message, hint=error.hint) from None
    if row.keywords == (STDIN,) or not (row.keywords or given.get("keyword")):
        hint = "textgen compose 广州 美食, or a file with -i; -i - is stdin"
        raise UsageError("there are no words", hint=hint)
    return given_rows([row], given)


def show_text(candidate: Candidate, row: Row) -> None:
    """Print a text; on a terminal with its score beside it."""
    if not sys.stdout.isatty():
        console.result(candidate.text)
        return
    console.styled(candidate.text, (f"  {candidate.score:.2f}", "dim"))
