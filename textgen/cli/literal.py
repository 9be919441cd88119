"""Texts that stand on the command line itself, among which a path is a mistake."""

from __future__ import annotations

import os

from textgen.errors import UsageError


def check_literal(text: str) -> None:
    """Refuse the name of a file as a text. Raises UsageError."""
    if not os.path.isfile(text):  # noqa: PTH113 (a long text is no path, which Path.is_file takes for an error)
        return
    shown = f'"{text}"' if " " in text else text
    hint = "-i {shown} reads it; -i - takes a text of that name from stdin"
    raise UsageError("{name} is a file", name=text, shown=shown, hint=hint)
