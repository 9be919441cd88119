"""The commands that edit a sentence, or those of a file: rewrite, correct, fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel

from textgen.cli import flags as opt
from textgen.cli.generate import ObservedSink, generate
from textgen.cli.literal import check_literal
from textgen.cli.render.texts import Show, corrections, texts
from textgen.commands import COMMANDS, LANGUAGE_MODEL
from textgen.errors import UsageError
from textgen.files.formats.base import STDIN
from textgen.options import CorrectOptions, FillOptions, InputOptions, RewriteOptions, RunOptions
from textgen.schema import Row

if TYPE_CHECKING:
    from textgen.batch.run import Job


def _command(
    name: str, model_of_options: type[BaseModel], doc: str, shown: Callable[[Job], Show]
) -> Callable[..., int]:
    """A command that works on a sentence, or on those of a file."""

    def command(
        options: dict[str, Any],
        sink: ObservedSink,
        sentence: Annotated[str | None, typer.Argument(help="The sentence.", show_default=False)] = None,
        model: opt.Model = LANGUAGE_MODEL,
        inputs: opt.Inputs = None,
    ) -> int:
        rows = _inputs(sentence, inputs)
        if sentence is not None and options.get("choices"):
            _check_choices(sentence)
        return generate(name, rows, options, model=model, sink=sink, shown=shown)

    command.__name__, command.__doc__ = name, doc
    flags = opt.flags_of(model_of_options, InputOptions, RunOptions)
    unused = (
        ["keywords_field"]
        if "choices_field" in COMMANDS[name].reading
        else ["keywords_field", "choices_field"]
    )
    return opt.takes(opt.without(flags, *unused))(command)


def _inputs(sentence: str | None, inputs: list[str] | None) -> list[str] | list[Row]:
    if inputs and sentence is not None:
        raise UsageError("a sentence and -i exclude each other", hint="put the sentence into the file")
    if inputs:
        return inputs
    if sentence is None or sentence.strip() in ("", STDIN):
        hint = "give one as an argument, or a file with -i; -i - is stdin"
        raise UsageError("there is no sentence", hint=hint)
    check_literal(sentence)
    return [Row(sentence, name="1")]


def _check_choices(sentence: str) -> None:
    """Refuse choices for a sentence that has not one blank."""
    from textgen.text.cloze import blanks_of

    if (count := len(blanks_of(sentence))) != 1:
        hint = "write it once, as ___, where something is missing"
        raise UsageError("{@choices} needs one blank, and there are {count}", count=count, hint=hint)


rewrite = _command(
    "rewrite",
    RewriteOptions,
    "Numbers, names, negation, quotes and Latin words are locked; --free unlocks.",
    texts,
)
correct = _command("correct", CorrectOptions, "", corrections)
fill = _command("fill", FillOptions, "Blanks may be of any length.", texts)
