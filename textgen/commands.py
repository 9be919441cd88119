"""The one table of commands: their summaries, and the defaults of those that generate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textgen.errors import UsageError

LANGUAGE_MODEL = "gpt2"  # under which texts are edited; it also tells which texts the embedded models know
SIMILARITY = "bert"  # whose embeddings compare two texts


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        summary: Its purpose, in a line of help; the command line adds the details.
        model: Its default model, if it generates.
        other_kinds: What does the work of models that it cannot use.
        reading: How it reads files where its user says nothing: fields of `textgen.options.InputOptions`.
        edits: Whether it writes by editing under a language model.
    """

    summary: str
    model: str = ""
    other_kinds: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)
    edits: bool = False


def _editor(summary: str, reading: Mapping[str, Any]) -> Command:
    return Command(
        summary,
        LANGUAGE_MODEL,
        "it takes a model from left to right, such as gpt2",
        reading,
        edits=True,
    )


_LINES = {"lines": True, "keywords_field": ""}
COMMANDS = {
    "title": Command(
        "Write titles for articles, best first.",
        "title",
        "the command sample writes texts with it",
        {"keywords_field": ""},
    ),
    "sample": Command(
        f"Continue a prompt ({LANGUAGE_MODEL}, the default), or sample sentences (bert).",
        LANGUAGE_MODEL,
        "the command title writes titles with it",
        _LINES,
    ),
    "compose": _editor("Write sentences around given words (用词造句).", {"field": None, "lines": True}),
    "rewrite": _editor("Say the same in other words.", _LINES),
    "correct": _editor("Correct a sentence, and show what was changed.", _LINES),
    "fill": _editor(
        "Fill the blanks of a sentence, such as 今天___很好.", _LINES | {"choices_field": "choices"}
    ),
    "batch": Command("Run a job described in a TOML file."),
    "eval": Command("Evaluate generated texts, with or without references."),
    "train": Command("Train models; one subcommand per recipe."),
    "models": Command("List, describe, check, add, remove, export and convert models."),
    "bench": Command("Measure how fast this machine writes, in every precision that it has."),
    "doctor": Command("Check the installation: versions, models, and a self-test."),
}
GENERATING = {name: command for name, command in COMMANDS.items() if command.model}
EDITING = tuple(name for name, command in COMMANDS.items() if command.edits)


def generating(name: str) -> Command:
    """A command that generates. Raises UsageError if there is none of that name."""
    if not isinstance(name, str) or name not in GENERATING:
        known = ", ".join(GENERATING)
        raise UsageError("no command {name}", name=name, hint="there are {known}", known=known)
    return GENERATING[name]
