"""Predictions and references from files, matched by id.

A figure over the rows that happen to be readable would be compared with others that it cannot be compared
with. So a line that is broken ends the evaluation; only a row that its model failed on counts, as empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from textgen.errors import DataError, UsageError
from textgen.events import OnEvent, ignore
from textgen.files.rows import unusable
from textgen.files.sources import table_in
from textgen.files.table_rows import check_field, table_rows
from textgen.messages import Message
from textgen.options import EvalOptions, InputOptions
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.normalize import check_encodable

NOTHING = (None, "")  # in a cell
RECORDS = InputOptions(field=None, keywords_field="", keep_fields=True)
FIRST = (1, "1", *NOTHING)  # numbers of the first candidate of a record, or of one without any


@dataclass(frozen=True)
class Prediction:
    """A text to be evaluated; empty if its record is an error."""

    name: str
    text: str
    failed: bool = False


@dataclass(frozen=True)
class Reference:
    """The reference of a text.

    Attributes:
        name: The row's id, else its number from 1.
        text: The text it should have been.
        source: What it was written from, where that is known.
        keywords: What it should contain.
        numbered: It has no id, and is called by its number.
    """

    name: str
    text: str
    source: str | None = None
    keywords: tuple[str, ...] = ()
    numbered: bool = field(default=False, compare=False)


T = TypeVar("T", Prediction, Reference)


def read_predictions(path: Path) -> dict[str, Prediction]:
    """Read records as runs write them; what is evaluated is the first candidate.

    Args:
        path: A file of records, or the table that a run has made of them; it may be packed.

    Returns:
        Predictions by name, in the file's order.

    Raises:
        UsageError: There is no such file, or its first row is no record.
        DataError: A line cannot be used, or two rows have one id.
    """
    rows = _rows(path, RECORDS)
    first = rows[0].fields or {}
    if "candidates" in first:
        found = _by_name(path, [_prediction(path, row) for row in rows])
    elif {"candidate", "text"} <= first.keys():
        firsts = (row for row in rows if (row.fields or {}).get("candidate") in FIRST)
        found = _by_name(path, [_listed(path, row) for row in firsts])
    else:
        hint = "predictions are the records of a run, as run_batch writes them, or {@output} FILE.jsonl"
        raise UsageError("the first row of {path} has no field 'candidates'", path=path, hint=hint)
    if all(prediction.failed for prediction in found.values()):
        raise DataError("{path} has only error records", path=path, hint="their field error says why")
    return found


def read_references(path: Path, options: EvalOptions, *, on_event: OnEvent = ignore) -> dict[str, Reference]:
    """Read what predictions are held against.

    Args:
        path: A file of any format with fields; it may be packed.
        options: Name its fields. Where there is no field `id`, rows are called by their numbers;
            one that was named must be there in every row.
        on_event: Told what separates the cells of a table, if that is not what the file's ending says.

    Returns:
        References by name, in the file's order.

    Raises:
        UsageError: There is no such file, or its first row lacks a field that was asked for.
        DataError: A line cannot be used, or two rows have one id.
    """
    reading = InputOptions(
        field=options.reference_field,
        id_field=options.id_field or "id",
        keywords_field=options.keywords_field,
        keep_fields=True,
    )
    rows = _rows(path, reading, on_event)
    if options.source_field not in (None, options.reference_field):
        check_field(str(path), rows[0].fields or {}, "source_field", options.source_field)
    return _by_name(path, [_reference(path, row, options) for row in rows])


def check_known(path: Path, predictions: Mapping[str, Prediction], known: Mapping[str, Reference]) -> None:
    """Refuse predictions for rows that the reference has not, or whose ids it does not know.

    Args:
        path: Where the predictions are from.
        predictions: By name.
        known: The references by name.

    Raises:
        UsageError: Some have no row, or have ids where all rows of the reference are called by number.
    """
    hint = "{@id_field} names the reference's field with the ids; a row without id is called by its number"
    strange = [name for name in predictions if name not in known]
    if strange:
        counts = {"missing": len(strange), "ids": len(predictions), "first": repr(strange[0])}
        message = "{path}: the reference lacks {missing} of {ids} ids, {first} first"
        raise UsageError(message, path=path, hint=hint, **counts)
    # numbers of rows are in order, as records come in the order of the rows
    numbered = all(reference.numbered for reference in known.values())
    if numbered and list(predictions) != sorted(predictions, key=int):
        raise UsageError("{path} has ids, and no row of the reference has one", path=path, hint=hint)


def _prediction(path: Path, row: Row) -> Prediction:
    fields = row.fields or {}
    candidates = fields.get("candidates")
    if fields.get("error") is not None or candidates == []:
        return Prediction(row.name, "", failed=True)
    place = _place(path, row)
    if not isinstance(candidates, list) or not isinstance(candidates[0], dict):
        hint = "is it a record of textgen?"
        raise DataError("{place} has no list of candidates", place=place, hint=hint)
    return Prediction(row.name, _text(place, candidates[0].get("text"), "the first candidate's text"))


def _listed(path: Path, row: Row) -> Prediction:
    """A prediction from a table with a row a candidate; a row without one is an error record."""
    fields = row.fields or {}
    if fields.get("error") not in NOTHING or fields.get("candidate") in NOTHING:
        return Prediction(row.name, "", failed=True)
    return Prediction(row.name, _text(_place(path, row), fields.get("text"), "'text'"))


def _reference(path: Path, row: Row, options: EvalOptions) -> Reference:
    place, field = _place(path, row), repr(options.reference_field)
    if is_blank(row.text):
        hint = "leave out rows that have no reference"
        raise DataError("{place}: {field} is empty", place=place, field=field, hint=hint)
    if options.id_field is not None and row.id is None:
        message, named = "{place} has nothing in the field {field}", repr(options.id_field)
        raise DataError(message, place=place, field=named, hint="every row needs an id")
    text = _text(place, row.text, field)
    name = options.source_field or "text"
    source = row.text if name == options.reference_field else (row.fields or {}).get(name)
    source = None if source is None else _text(place, source, repr(name))
    return Reference(row.name, text, source, tuple(row.keywords), row.id is None)


def _place(path: Path, row: Row) -> Message:
    return Message("{path}, {place}", path=path, place=row.place)


def _text(place: Message, value: object, field: str) -> str:
    """The text in a field, which must be one."""
    if not isinstance(value, str):
        message = "{place}: {field} is missing" if value is None else "{place}: {field} is not text"
        raise DataError(message, place=place, field=field, hint="every row needs it")
    check_encodable(value, name=Message("{place}: {field}", place=place, field=field))
    return value


def _by_name(path: Path, rows: Sequence[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for row in rows:
        if found.setdefault(row.name, row) is not row:
            message, id = "{path} has two rows with the id {id}", repr(row.name)
            raise DataError(message, path=path, id=id, hint="ids tell rows apart")
    return found


def _rows(path: Path, options: InputOptions, on_event: OnEvent = ignore) -> list[Row]:
    """The rows as the reader of articles reads them, so that records find what they were made of."""
    rows = []
    for row in table_rows(table_in(path), options, "", on_event, text_option="reference_field"):
        if row.error is not None:
            raise unusable(str(path), row)
        rows.append(row)
    return rows
