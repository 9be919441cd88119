"""Options from a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from textgen.errors import UsageError

# whose options a file may hold
COMMANDS = ("title", "sample", "compose", "rewrite", "correct", "fill", "eval")


def read_config(path: Path, command: str) -> dict[str, Any]:
    """Read the options for one command.

    Args:
        path: A TOML file. Keys at the top hold for every command, those in a table such as `[title]`
            for that command alone and win over the top. Dashes and underscores are the same.
        command: The command's name.

    Returns:
        Options by field name, not yet validated.

    Raises:
        UsageError: The file is missing or is not TOML, its table is none, or it has a table for no command.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}", hint="give the path of a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--config {path}: {error}", hint="it is UTF-8, with lines like  top_p = 0.9"
        ) from None
    for name, value in content.items():
        if isinstance(value, dict) and name not in COMMANDS:
            raise UsageError(f"--config {path}: no command {name}", hint=f"tables: {', '.join(COMMANDS)}")
    special = content.pop(command, {})
    if not isinstance(special, dict):
        raise UsageError(f"--config {path}: {command} is not a table", hint=f"begin one with  [{command}]")
    general = {key: value for key, value in content.items() if not isinstance(value, dict)}
    return _by_field(general) | _by_field(special)


def _by_field(options: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in options.items()}
