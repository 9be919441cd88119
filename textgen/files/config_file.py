"""Options from a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textgen.commands import GENERATING
from textgen.errors import UsageError
from textgen.files.small_files import read_small
from textgen.messages import option
from textgen.options.recipes import OPTIONS

# whose options a file may hold
COMMANDS = (*GENERATING, "eval", "train")
RECIPES = ("tokenizer", *OPTIONS)
OPTION_TABLES = ("weight",)


def read_config(path: Path, command: str) -> dict[str, Any]:
    """Read the options for one command.

    Args:
        path: A TOML file. Keys at the top hold for every command, those in a table such as `[title]`
            for that command alone and win over the top; those in `[train.gpt2]` are for that recipe
            alone. Dashes and underscores are the same. A job's `command` must be this one.
        command: The command's name; that of a recipe is `train.gpt2`.

    Returns:
        Options by field name, not yet validated.

    Raises:
        UsageError: The file is missing or is not TOML, its table is none, it has a table for no command, or
            it is another command's job, or has an option twice.
    """
    content = _read_toml(path, option("config"))
    for name, value in content.items():
        if isinstance(value, dict) and name not in COMMANDS:
            raise _no_table(path, "command", name, COMMANDS)
    command, _, recipe = command.partition(".")
    if (of := content.get("command", command)) != command:
        hint = "the command batch runs it: batch {path}"
        raise UsageError("{@config} {path} is a job of textgen {of}", path=path, of=of, hint=hint)
    special = content.pop(command, {})
    if not isinstance(special, dict):
        message, hint = "{@config} {path}: {command} is not a table", "begin one with  [{command}]"
        raise UsageError(message, path=path, command=command, hint=hint)
    content.pop("command", None)
    general = {key: value for key, value in content.items() if not isinstance(value, dict)}
    recipes = _recipes(special, path) if recipe else {}
    found: dict[str, Any] = {}
    for options in (general, special, recipes.get(recipe, {})):
        found |= _by_field(options, path)
    return found


def read_job(path: Path, commands: Sequence[str]) -> tuple[str, list[str]]:
    """The command of a job and what it reads; the rest of the file are its options.

    Args:
        path: A TOML file.
        commands: Those that may be jobs.

    Raises:
        UsageError: The file is missing or is not TOML, or names no command, no input or no output.
    """
    content = _read_toml(path, "job")
    command: Any = content.get("command")
    inputs: Any = content.get("input")
    if command not in commands:
        problem = "job {path} names no command" if command is None else "job {path} has a command {command}"
        values = {"path": path, "command": repr(command), "commands": commands}
        raise UsageError(problem, hint='command = "…" is one of {commands}', **values)
    names: Any = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        hint = 'input = "news.jsonl", or a list of files'
        raise UsageError("job {path} names no input", path=path, hint=hint)
    known = content | (content[command] if isinstance(content.get(command), dict) else {})
    if not isinstance(known.get("output"), str):
        raise UsageError("job {path} names no output", path=path, hint='output = "titles.jsonl"')
    return command, list(names)


def _read_toml(path: Path, what: str) -> dict[str, Any]:
    try:
        # TOML itself knows no line ends but LF and CRLF
        return tomllib.loads(re.sub("\r\n?", "\n", read_small(path).decode("utf-8-sig")))
    except (OSError, ValueError, RecursionError) as error:
        reason = _reason(error)
        hint = "give the path of a TOML file in UTF-8; it has lines like  top_p = 0.9"
        raise UsageError("{what} {path}: {reason}", what=what, path=path, reason=reason, hint=hint) from None


def _reason(error: Exception) -> str:
    """The reason why a file is no TOML, in other words than Python's own."""
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case OSError() | tomllib.TOMLDecodeError():
            return getattr(error, "strerror", None) or str(error)
        case RecursionError():
            return "it is nested too deeply"
    return "a number in it has too many digits"


def _recipes(training: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """Take the tables of recipes out of that of training; an option may be called as a recipe is."""
    found = {}
    for name in [name for name, value in training.items() if isinstance(value, dict)]:
        recipe = name.replace("_", "-")
        if recipe in RECIPES:
            found[recipe] = training.pop(name)
        elif name not in OPTION_TABLES:
            raise _no_table(path, "recipe", name, RECIPES)
    return found


def _no_table(path: Path, kind: str, name: str, known: Sequence[str]) -> UsageError:
    message = "{@config} {path}: no {kind} {name}"
    return UsageError(message, path=path, kind=kind, name=name, known=known, hint="tables: {known}")


def _by_field(options: dict[str, Any], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in options.items():
        name = key.replace("-", "_")
        if name in found:
            message, hint = "{@config} {path} has {name} twice", "dashes and underscores are the same"
            raise UsageError(message, path=path, name=name, hint=hint)
        found[name] = value
    return found
