"""Rows from files: articles, prompts, JSONL and CSV.

A row that cannot be read becomes a row with an error, so that the rest goes on; what makes the whole
command pointless (a path that is not there, a field that no row has) is raised.
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textgen.errors import DataError, UsageError
from textgen.schema import Row
from textgen.text.encoding import decode_bytes, read_text
from textgen.text.keywords import keywords_of
from textgen.text.tables import DELIMITERS, csv_values, json_values

STDIN = "-"
TEXT_SUFFIXES = (".txt", ".md")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
KEYWORDS = "keywords"  # the field of a table with the keywords of each row


def read_articles(inputs: list[str], field: str, keyword_field: str | None = None) -> list[Row]:
    """One row an article.

    Args:
        inputs: Text files, folders of them, JSONL, CSV or TSV files, or `-` for a text on stdin.
        field: Where the text lies in a JSONL or CSV row; its id is the field `id`.
        keyword_field: Where a row's keywords lie; None is the field `keywords`, if there is one, and an
            empty name none.

    Raises:
        UsageError: A path does not exist, or the first row of a table lacks a field that was named.
        TextgenError: A folder holds no texts.
    """
    rows: list[Row] = []
    for name in inputs:
        try:
            rows += [
                row for path in _expand(name) for row in _rows(path, field, keyword_field, one_text=True)
            ]
        except DataError as error:  # of several inputs the others go on
            if len(inputs) == 1:
                raise
            rows.append(Row("", name=printable(name), error=error.line))
    return rows


def read_prompts(name: str, field: str, keyword_field: str | None = "") -> list[Row]:
    """One row a prompt: the lines of a text file or of stdin (`-`), or the rows of a JSONL or CSV file."""
    if name != STDIN and path_kind(name) == "folder":
        raise UsageError(f"{name} is a folder", hint="-i takes a file with one prompt a line, JSONL or CSV")
    [path] = _expand(name)
    return list(_rows(path, field, keyword_field, one_text=False))


def read_keywords(name: str, field: str = KEYWORDS) -> list[Row]:
    """One row a set of keywords, without text.

    Args:
        name: A text file or `-` for stdin, with a set a line; or a JSONL or CSV file.
        field: Where the keywords lie in a row of a table: a list, or text as `keywords_of` reads it. In a
            line of a text file without any of its separators, blanks separate.
    """
    if name != STDIN and path_kind(name) == "folder":
        raise UsageError(f"{name} is a folder", hint="-i takes a file with one set of words a line")
    path = Path(name)
    if (values := _values(path)) is not None:
        return list(_table(path, None, field, values))
    lines = [line for line in _text_of(path).splitlines() if line.strip()]
    return [_line_of_keywords(line, number) for number, line in enumerate(lines, 1)]


def _line_of_keywords(line: str, number: int) -> Row:
    try:
        found = keywords_of(line)
    except DataError as error:
        return Row("", name=str(number), error=f"line {number}: {error.line}")
    whole = found == (line.strip(),)  # no separator in it
    return Row("", name=str(number), keywords=tuple(dict.fromkeys(line.split())) if whole else found)


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if name == STDIN or path_kind(name) == "file":
        return [path]
    try:
        texts = sorted(
            file for file in path.iterdir() if file.suffix.lower() in TEXT_SUFFIXES and file.is_file()
        )
    except OSError as error:
        raise DataError(
            f"cannot read the folder {name}: {error.strerror}", hint="check its permissions"
        ) from None
    if not texts:
        hint = f"it takes {' and '.join(TEXT_SUFFIXES)} files; tables are named one by one"
        raise DataError(f"no texts in the folder {name}", hint=hint)
    return texts


def read_lines(name: str, option: str) -> list[str]:
    """The lines of a text file that are not blank, without white space at their ends.

    Raises:
        UsageError: There is no such file, or it is no text, or blank.
    """
    if path_kind(name, "check the path") == "folder":
        raise UsageError(f"{option} {name} is a folder", hint="it takes a file with one text a line")
    try:
        return [line.strip() for line in _text_of(Path(name)).splitlines() if line.strip()]
    except DataError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


def path_kind(name: str, hint: str = "check the path; `-` reads from stdin") -> str:
    """`file` or `folder`. Raises UsageError if there is neither, or none that can be looked at."""
    try:
        mode = Path(name).stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"no such file: {name}", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        shown = name if len(name) <= 40 else name[:40] + "…"
        hint = "inputs are paths; pipe a text:  … | textgen title -"
        raise UsageError(f"{shown}: {reason}", hint=hint) from None
    return "folder" if stat.S_ISDIR(mode) else "file"


def printable(name: str) -> str:
    """A name that can be written as UTF-8; what cannot is escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _rows(path: Path, field: str, keyword_field: str | None, *, one_text: bool) -> Iterator[Row]:
    if (values := _values(path)) is not None:
        yield from _table(path, field, keyword_field, values)
    elif one_text:
        yield _article(path)
    else:
        lines = _text_of(path).replace("\r\n", "\n").split("\n")
        numbered = (line for line in lines if line.strip())
        yield from (Row(line, name=str(number)) for number, line in enumerate(numbered, 1))


def _values(path: Path) -> list[tuple[int, Any]] | None:
    """The rows of a table with their line numbers; None if the file is no table."""
    suffix = path.suffix.lower()
    if suffix in JSONL_SUFFIXES:
        return list(json_values(_text_of(path)))
    if suffix in DELIMITERS:
        return list(csv_values(_text_of(path), DELIMITERS[suffix], str(path)))
    return None


def _article(path: Path) -> Row:
    name = "stdin" if str(path) == STDIN else printable(path.name)
    try:
        return Row(_text_of(path), name=name)
    except DataError as error:
        return Row("", name=name, error=error.line)


def _text_of(path: Path) -> str:
    if str(path) == STDIN:
        if sys.stdin is None:
            raise DataError("stdin is closed", hint="pipe a text into it")
        return decode_bytes(sys.stdin.buffer.read(), name="stdin")
    return read_text(path)


def _table(
    path: Path, field: str | None, keyword_field: str | None, values: list[tuple[int, Any]]
) -> Iterator[Row]:
    """The rows of a table; without a field for the text, keywords are all they have."""
    if not values:
        raise DataError(f"{path} has no rows", hint="a table has one row an article, a prompt, or the like")
    if field is not None:
        _check_first(path, field, "--field", values[0][1])
    if keyword_field:
        _check_first(path, keyword_field, "--keyword-field", values[0][1])
    for row_number, (line, value) in enumerate(values, 1):
        yield _table_row(line, row_number, value, field, keyword_field)


def _check_first(path: Path, field: str, flag: str, value: Any) -> None:
    if isinstance(value, dict) and field not in value:
        names = ", ".join(str(name) for name in value if name is not None)
        raise UsageError(f"the first row of {path} has no field {field!r}", hint=f"{flag} one of: {names}")


def _table_row(line: int, number: int, value: Any, field: str | None, keyword_field: str | None) -> Row:
    if isinstance(value, DataError):
        return Row("", name=str(number), error=value.line)
    if not isinstance(value, dict):
        return Row("", name=str(number), error=f"line {line} is not an object with fields")
    given = value.get("id")
    id = printable(str(given)) if given not in (None, "") else None
    name = id or str(number)
    if None in value:
        return Row("", name=name, id=id, error=f"line {line} has more cells than the header")
    text = "" if field is None else value.get(field)
    if text is None:
        return Row("", name=name, id=id, error=f"line {line} has no field {field!r}")
    if not isinstance(text, str):
        return Row("", name=name, id=id, error=f"line {line}: {field!r} is not text")
    try:
        keywords = keywords_of(value.get(KEYWORDS if keyword_field is None else keyword_field))
    except DataError as error:
        return Row("", name=name, id=id, error=f"line {line}: {error.line}")
    return Row(text, name=name, id=id, keywords=keywords)
