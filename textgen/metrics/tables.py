"""Predictions and references from files, and which belongs to which.

A figure over the rows that happen to be readable would be compared with others that it cannot be compared
with. So a line that is broken ends the evaluation; only a row that its model failed on counts, as empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from textgen.errors import DataError, UsageError
from textgen.text.blank import is_blank
from textgen.text.encoding import read_text
from textgen.text.keywords import keywords_of
from textgen.text.lines import numbered
from textgen.text.normalize import check_encodable
from textgen.text.tables import DELIMITERS, csv_values, json_values


@dataclass(frozen=True)
class Prediction:
    """A text to be evaluated; empty if its record is an error."""

    name: str
    text: str
    failed: bool = False


@dataclass(frozen=True)
class Reference:
    """What a text is held against.

    Attributes:
        name: The row's id, else its number from 1.
        text: The text it should have been.
        source: What it was written from, where that is known.
        keywords: What it should contain.
    """

    name: str
    text: str
    source: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fields:
    """Where in a row of the reference things lie; for None the usual name is tried."""

    reference: str = "title"
    source: str | None = None
    keywords: str | None = None


@dataclass(frozen=True)
class _Line:
    """A row as it was read, and what messages call it."""

    place: str
    name: str
    fields: dict[str, Any]


T = TypeVar("T", Prediction, Reference)


def read_predictions(path: Path) -> dict[str, Prediction]:
    """Read records as `textgen title -o` writes them; what is evaluated is the first candidate.

    Args:
        path: A file of JSON lines.

    Returns:
        Predictions by name, in the file's order.

    Raises:
        UsageError: There is no such file, or its first row is no record.
        DataError: A line cannot be used, or two rows have one id.
    """
    rows = _lines(path, json_values(numbered(_content(path))))
    if "candidates" not in rows[0].fields:
        hint = "predictions are records as `textgen title … -o FILE.jsonl` writes them"
        raise UsageError(f"the first row of {path} has no field 'candidates'", hint=hint)
    found = _by_name(path, [_prediction(row) for row in rows])
    if all(prediction.failed for prediction in found.values()):
        raise DataError(f"{path} has only error records", hint="their field error says why")
    return found


def read_references(path: Path, fields: Fields) -> dict[str, Reference]:
    """Read what predictions are held against.

    Args:
        path: A JSONL, CSV or TSV file.
        fields: Where things lie in its rows.

    Returns:
        References by name, in the file's order.

    Raises:
        UsageError: There is no such file, or its first row lacks a field that was asked for.
        DataError: A line cannot be used, or two rows have one id.
    """
    delimiter = DELIMITERS.get(path.suffix.lower())
    lines = numbered(_content(path))
    rows = _lines(path, csv_values(lines, delimiter, str(path)) if delimiter else json_values(lines))
    for flag, field in (
        ("--reference-field", fields.reference),
        ("--source-field", fields.source),
        ("--keywords-field", fields.keywords),
    ):
        if field is not None and field not in rows[0].fields:
            names = ", ".join(str(name) for name in rows[0].fields)
            raise UsageError(
                f"the first row of {path} has no field {field!r}", hint=f"{flag} one of: {names}"
            )
    return _by_name(path, [_reference(row, fields) for row in rows])


def check_known(path: Path, predictions: Mapping[str, Prediction], known: Mapping[str, object]) -> None:
    """Refuse predictions for rows that the reference has not. Raises UsageError."""
    strange = [name for name in predictions if name not in known]
    if strange:
        raise UsageError(
            f"{path}: the reference lacks {len(strange)} of {len(predictions)} ids, {strange[0]!r} first",
            hint="--reference holds every row that was predicted; a row without id is called by its number",
        )


def _prediction(row: _Line) -> Prediction:
    candidates = row.fields.get("candidates")
    if row.fields.get("error") is not None or candidates == []:
        return Prediction(row.name, "", failed=True)
    if not isinstance(candidates, list) or not isinstance(candidates[0], dict):
        raise DataError(f"{row.place} has no list of candidates", hint="is it a record of textgen?")
    return Prediction(row.name, _text(row, candidates[0].get("text"), "the first candidate's text"))


def _reference(row: _Line, fields: Fields) -> Reference:
    text = _text(row, row.fields.get(fields.reference), repr(fields.reference))
    if is_blank(text):
        raise DataError(
            f"{row.place}: {fields.reference!r} is empty", hint="leave out rows that have no reference"
        )
    name = fields.source or "text"
    source = row.fields.get(name)
    keywords = row.fields.get(fields.keywords or "keywords")
    return Reference(
        row.name, text, None if source is None else _text(row, source, repr(name)), _keywords(row, keywords)
    )


def _keywords(row: _Line, given: object) -> tuple[str, ...]:
    try:
        return keywords_of(given)
    except DataError as error:
        raise DataError(f"{row.place}: {error.message}", hint=error.hint) from None


def _text(row: _Line, value: object, what: str) -> str:
    if not isinstance(value, str):
        state = "missing" if value is None else "not text"
        raise DataError(f"{row.place}: {what} is {state}", hint="every row needs it")
    check_encodable(value, name=f"{row.place}: {what}")
    return value


def _by_name(path: Path, rows: Sequence[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for row in rows:
        if found.setdefault(row.name, row) is not row:
            raise DataError(f"{path} has two rows with the id {row.name!r}", hint="ids tell rows apart")
    return found


def _lines(path: Path, values: Iterator[tuple[int, Any]]) -> list[_Line]:
    """The rows, named as the reader of articles names them, so that records find what they were made of."""
    rows = []
    for number, (line, value) in enumerate(values, 1):
        if isinstance(value, DataError):
            raise DataError(f"{path}, {value.message}", hint=value.hint)
        if not isinstance(value, dict):
            raise DataError(
                f"{path}, line {line} is not an object with fields", hint="one JSON object a line"
            )
        if None in value:
            raise DataError(f"{path}, line {line} has more cells than the header", hint="are cells quoted?")
        given = value.get("id")
        name = str(number) if given in (None, "") else str(given).encode("utf-8", "backslashreplace").decode()
        rows.append(_Line(f"{path}, line {line}", name, value))
    if not rows:
        raise DataError(f"{path} has no rows", hint="one row a line")
    return rows


def _content(path: Path) -> str:
    try:
        kind = "file" if path.is_file() else "folder" if path.is_dir() else None
    except (OSError, ValueError):  # longer than a path can be
        kind = None
    if kind != "file":
        shown = str(path)[:200]
        reason = f"{shown} is a folder" if kind else f"no such file: {shown}"
        raise UsageError(reason, hint="give the path of a file") from None
    return read_text(path)
