"""The commands, imported when one is asked for: their options take longer to import than all the rest."""

from __future__ import annotations

from functools import cache
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from textgen.commands import COMMANDS
from textgen.plugins import resolved

# functions, and groups of commands
TARGETS = {
    "title": "textgen.cli.commands.title:title",
    "sample": "textgen.cli.commands.sample:sample",
    "compose": "textgen.cli.commands.compose:compose",
    "rewrite": "textgen.cli.commands.sentences:rewrite",
    "correct": "textgen.cli.commands.sentences:correct",
    "fill": "textgen.cli.commands.sentences:fill",
    "batch": "textgen.cli.commands.batch:batch",
    "eval": "textgen.cli.commands.evaluate:evaluate",
    "train": "textgen.cli.commands.train:train",
    "models": "textgen.cli.commands.models:models",
    "bench": "textgen.cli.commands.bench:bench",
    "doctor": "textgen.cli.commands.doctor:doctor",
}


class Commands(TyperGroup):
    """The commands of textgen; until one is called, only its summary is known."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.commands = {name: TyperCommand(name, help=one.summary) for name, one in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, with its arguments."""
        if args and args[0] in TARGETS:
            self.commands[args[0]] = _loaded(args[0])
        return super().resolve_command(ctx, args)


@cache
def _loaded(name: str) -> Any:
    """A command; its help is the summary, and what the docstring says beyond."""
    found = resolved(TARGETS[name])
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        app.command()(found)
        command = typer.main.get_command(app)
    command.name = name
    command.help = "\n\n".join([COMMANDS[name].summary, *filter(None, [command.help])])
    return command
