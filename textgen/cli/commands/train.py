"""`textgen train`: models from text, a command a recipe."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class Recipes(TyperGroup):
    """The recipes, made when one is asked for: their options take longer to import than all the rest."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the recipes."""
        return super().list_commands(self._filled(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a recipe, if there is one."""
        return super().get_command(self._filled(ctx), cmd_name)

    def _filled(self, ctx: Any) -> Any:
        if not self.commands:
            from textgen.cli.commands.recipes import recipes

            self.commands = typer.main.get_group(recipes).commands
        return ctx


train = typer.Typer(cls=Recipes, no_args_is_help=True)
