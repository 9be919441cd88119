"""Predictions and references from files, matched by id.

A figure over the rows that happen to be readable would be compared with others that it cannot be compared
with. So a line that is broken ends the evaluation; only a row that its model failed on counts, as empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from textgen.errors import DataError, UsageError
from textgen.events import Event, Note
from textgen.files.formats.base import unheard
from textgen.files.rows import unusable
from textgen.files.sources import table_in
from textgen.files.table_rows import check_field, table_rows
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
        hint = "predictions are records as `textgen title … {@output} FILE.jsonl` writes them"
        raise UsageError(f"the first row of {path} has no field 'candidates'", hint=hint)
    if all(prediction.failed for prediction in found.values()):
        raise DataError(f"{path} has only error records", hint="their field error says why")
    return found


def read_references(
    path: Path, options: EvalOptions, *, tell: Callable[[str], None] = unheard
) -> dict[str, Reference]:
    """Read what predictions are held against.

    Args:
        path: A file of any format with fields; it may be packed.
        options: Name its fields. Where there is no field `id`, rows are called by their numbers;
            one that was named must be there in every row.
        tell: Told what separates the cells of a table, if that is not what the file's ending says.

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
    rows = _rows(path, reading, tell)
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
        raise UsageError(
            f"{path}: the reference lacks {len(strange)} of {len(predictions)} ids, {strange[0]!r} first",
            hint=hint,
        )
    if all(reference.numbered for reference in known.values()) and not _in_order(predictions):
        raise UsageError(f"{path} has ids, and no row of the reference has one", hint=hint)


def _in_order(names: Mapping[str, object]) -> bool:
    """Whether names can be the numbers of rows: records come in the order of the rows."""
    numbers = [int(name) for name in names]
    return numbers == sorted(numbers)


def _prediction(path: Path, row: Row) -> Prediction:
    fields = row.fields or {}
    candidates = fields.get("candidates")
    if fields.get("error") is not None or candidates == []:
        return Prediction(row.name, "", failed=True)
    if not isinstance(candidates, list) or not isinstance(candidates[0], dict):
        raise DataError(f"{path}, {row.place} has no list of candidates", hint="is it a record of textgen?")
    return Prediction(row.name, _text(path, row, candidates[0].get("text"), "the first candidate's text"))


def _listed(path: Path, row: Row) -> Prediction:
    """A prediction from a table with a row a candidate; a row without one is an error record."""
    fields = row.fields or {}
    if fields.get("error") not in NOTHING or fields.get("candidate") in NOTHING:
        return Prediction(row.name, "", failed=True)
    return Prediction(row.name, _text(path, row, fields.get("text"), "'text'"))


def _reference(path: Path, row: Row, options: EvalOptions) -> Reference:
    if is_blank(row.text):
        hint = "leave out rows that have no reference"
        raise DataError(f"{path}, {row.place}: {options.reference_field!r} is empty", hint=hint)
    if options.id_field is not None and row.id is None:
        problem = f"{path}, {row.place} has nothing in the field {options.id_field!r}"
        raise DataError(problem, hint="every row needs an id")
    text = _text(path, row, row.text, repr(options.reference_field))
    name = options.source_field or "text"
    source = row.text if name == options.reference_field else (row.fields or {}).get(name)
    source = None if source is None else _text(path, row, source, repr(name))
    return Reference(row.name, text, source, row.keywords, row.id is None)


def _text(path: Path, row: Row, value: object, what: str) -> str:
    if not isinstance(value, str):
        state = "missing" if value is None else "not text"
        raise DataError(f"{path}, {row.place}: {what} is {state}", hint="every row needs it")
    check_encodable(value, name=f"{path}, {row.place}: {what}")
    return value


def _by_name(path: Path, rows: Sequence[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for row in rows:
        if found.setdefault(row.name, row) is not row:
            raise DataError(f"{path} has two rows with the id {row.name!r}", hint="ids tell rows apart")
    return found


def _rows(path: Path, options: InputOptions, tell: Callable[[str], None] = unheard) -> list[Row]:
    """The rows as the reader of articles reads them, so that records find what they were made of."""

    def hear(event: Event) -> None:
        if isinstance(event, Note):
            tell(event.text)

    rows = []
    for row in table_rows(table_in(path), options, "", hear, text_option="reference_field"):
        if row.error is not None:
            raise unusable(str(path), row)
        rows.append(row)
    return rows
