"""`textgen compose`: sentences around given words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import ObservedSink, generate
from textgen.cli.literal import check_literal
from textgen.cli.render.texts import texts
from textgen.commands import LANGUAGE_MODEL
from textgen.errors import DataError, UsageError
from textgen.files.formats.base import STDIN
from textgen.options import ComposeOptions, InputOptions, RunOptions
from textgen.options.fields import CONTENT
from textgen.schema import Row
from textgen.text.keywords import words_of

WORDS = "Words that every sentence contains."
ORDERED = opt.help_of(ComposeOptions.model_fields["ordered"])


@opt.takes(
    opt.without(opt.flags_of(ComposeOptions, InputOptions, RunOptions), "field", "choices_field"),
    {"ordered": Annotated[bool | None, opt.option(ORDERED, "--ordered/--any-order", panel=CONTENT)]},
)
def compose(
    options: dict[str, Any],
    sink: ObservedSink,
    words: Annotated[list[str] | None, typer.Argument(help=WORDS, show_default=False)] = None,
    model: opt.Model = LANGUAGE_MODEL,
    inputs: opt.Inputs = None,
) -> int:
    """Insert, delete and replace tokens around the words.

    A text file holds a set of words a line, with blanks or ，,、；;| between them.
    """
    rows = word_inputs(words or (), inputs, options)
    return generate("compose", rows, options, model=model, sink=sink, shown=texts)


def word_inputs(
    words: Sequence[str], inputs: list[str] | None, options: dict[str, Any]
) -> list[str] | list[Row]:
    """The row of some words, or files; words for all rows may be among the options."""
    if words and inputs:
        raise UsageError("words and -i exclude each other", hint="--keyword adds a word to every set")
    if inputs:
        return inputs
    for word in words:
        check_literal(word)
    try:
        row = Row("", name="1", keywords=tuple(word for text in words for word in words_of(text)))
    except DataError as error:
        raise UsageError(error.message, hint=error.hint) from None
    if row.keywords == (STDIN,) or not (row.keywords or options.get("keyword")):
        hint = "textgen compose 广州 美食, or a file with -i; -i - is stdin"
        raise UsageError("there are no words", hint=hint)
    return [row]
