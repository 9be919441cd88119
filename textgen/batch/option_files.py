"""Options that files hold: what stands in the files is taken into the options, and so into the manifest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from textgen.errors import DataError, UsageError
from textgen.files.encodings.detection import read_text
from textgen.files.rows import FileRows, read_lines
from textgen.files.sources import path_kind
from textgen.messages import OptionError, option
from textgen.options import InputOptions
from textgen.text.line_ends import LINE_END
from textgen.text.prompts import Shot, checked, shot_of

LISTS = ("avoid_file", "keep_file", "keyword_file", "one_of")  # options whose files hold a text a line


def with_contents(options: dict[str, Any]) -> dict[str, Any]:
    """The options with the contents of the files that they name.

    Raises:
        UsageError: There is no such file, or it holds something else.
    """
    read = {name: reader(str(options[name])) for name, reader in READERS.items() if _is_file(options, name)}
    return options | read


def _is_file(options: dict[str, Any], name: str) -> bool:
    return isinstance(options.get(name), str | Path)


def read_template(name: str) -> str:
    """The template of a prompt in a text file, without the last line end, which editors add.

    Raises:
        UsageError: There is none.
    """
    _check_is_file(name, "prompt_template", "it takes a text file")
    try:
        text = LINE_END.sub("\n", read_text(Path(name)))
        return checked(text.removesuffix("\n"))
    except OptionError as error:
        hint = "such as 文章：{place}, a line break, and 标题："
        template = "{@prompt_template} {name}: {reason}"
        raise UsageError(template, name=name, reason=error.message, hint=hint, place="{article}") from None
    except DataError as error:
        reason = error.message
        raise UsageError("{@prompt_template}: {reason}", reason=reason, hint=error.hint) from None


def read_shots(name: str) -> list[Shot]:
    """The shots in a table with the fields `title` and `text`.

    Raises:
        UsageError: It is no such table, or a row lacks one of them.
    """
    fields = "it takes a table, such as .jsonl or .csv, with the fields title and text"
    _check_is_file(name, "shots", fields)
    rows = FileRows([name], InputOptions(field=None, keywords_field="", keep_fields=True))
    if not all(source.format.is_table for source in rows.sources):
        raise UsageError("{@shots} {name} is no table", name=name, hint=fields)
    found = []
    try:
        for row in rows:
            if row.error is not None:
                raise UsageError("{@shots} {name}: {reason}", name=name, reason=row.error, hint=fields)
            try:
                found.append(shot_of(row.fields or {}))
            except OptionError as error:
                template = "{@shots} {name}, {place}: {reason}"
                raise UsageError(
                    template, name=name, place=row.place, reason=error.message, hint=fields
                ) from None
    except DataError as error:
        raise UsageError("{@shots}: {reason}", reason=error.message, hint=error.hint) from None
    return found


def _check_is_file(name: str, of: str, hint: str) -> None:
    if path_kind(name, "check the path") == "folder":
        raise UsageError("{option} {name} is a folder", option=option(of), name=name, hint=hint)


def _read_list(of: str, name: str) -> list[str]:
    return read_lines(name, option(of))


READERS: dict[str, Callable[[str], Any]] = {
    **{name: partial(_read_list, name) for name in LISTS},
    "prompt_template": read_template,
    "shots": read_shots,
}
