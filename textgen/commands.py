"""The one table of commands: what each is for, and, of those that generate, what they take by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textgen.errors import UsageError

LANGUAGE_MODEL = "gpt2"  # under which texts are edited; it also tells which texts the embedded models know
SIMILARITY = "bert"  # tells how alike two texts are


@dataclass(frozen=True)
class Editor:
    """What a command has that writes by editing under a language model.

    Attributes:
        backend: `module:Class`.
        options: `module:Class`, which costs no torch.
    """

    backend: str
    options: str


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        summary: What it does, in a line of help.
        model: Its default model, if it generates.
        other_kinds: What does the work of models that it cannot use.
        reading: How it reads files where its user says nothing: fields of `textgen.options.InputOptions`.
        editor: What it has if it writes by editing.
    """

    summary: str
    model: str | None = None
    other_kinds: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)
    editor: Editor | None = None


def _editor(name: str, summary: str, reading: Mapping[str, Any]) -> Command:
    editor = Editor(
        f"textgen.backends.editing.{name}:{name.title()}Backend", f"textgen.options:{name.title()}Options"
    )
    return Command(summary, LANGUAGE_MODEL, "the language model is a gpt2", reading, editor)


_ARTICLES = {"keywords_field": ""}
_LINES = {"lines": True, "keywords_field": ""}
_WORDS = {"field": None, "lines": True}
COMMANDS = {
    "title": Command(
        "Write titles for articles, best first.",
        "title",
        "textgen sample continues prompts with it",
        _ARTICLES,
    ),
    "sample": Command(
        "Continue a prompt (gpt2, the default), or sample sentences (bert).",
        LANGUAGE_MODEL,
        "textgen title writes titles with it",
        _LINES,
    ),
    "compose": _editor("compose", "Write sentences around given words (用词造句).", _WORDS),
    "rewrite": _editor("rewrite", "Say the same in other words.", _LINES),
    "correct": _editor("correct", "Correct a sentence, and show what was changed.", _LINES),
    "fill": _editor("fill", "Fill the blanks of a sentence, such as 今天___很好.", _LINES),
    "batch": Command("Run a job described in a TOML file."),
    "eval": Command("Evaluate generated texts, with or without references."),
    "train": Command("Train models; one subcommand per recipe."),
    "models": Command("List, describe, add, remove and export models."),
    "doctor": Command("Check the installation: versions, models, and a self-test."),
}
GENERATING = {name: command for name, command in COMMANDS.items() if command.model}
EDITING = {name: command.editor for name, command in COMMANDS.items() if command.editor}


def generating(name: str) -> Command:
    """A command that generates. Raises UsageError if there is none of that name."""
    if name not in GENERATING:
        known = ", ".join(GENERATING)
        raise UsageError("no command {name}", name=name, hint="there are {known}", known=known)
    return GENERATING[name]
