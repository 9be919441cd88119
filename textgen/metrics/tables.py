"""Predictions and references from files, matched by id.

A figure over the rows that happen to be readable would be compared with others that it cannot be compared
with. So a line that is broken ends the evaluation; only a row that its model failed on counts, as empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from textgen.errors import DataError, UsageError
from textgen.files.formats.base import Selection, unheard
from textgen.files.sources import table_in
from textgen.text.blank import is_blank
from textgen.text.keywords import keywords_of
from textgen.text.names import bare, printable
from textgen.text.normalize import check_encodable

NOTHING = (None, "")  # in a cell
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


@dataclass(frozen=True)
class Fields:
    """Names of the fields of a reference; for None the usual name is tried.

    Names are as `textgen.text.names.bare` gives them.
    """

    reference: str = "title"
    source: str | None = None
    keywords: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None:
                object.__setattr__(self, name, bare(value))


@dataclass(frozen=True)
class _Line:
    """A row as it was read, and what messages call it."""

    place: str
    name: str
    fields: dict[str, Any]
    numbered: bool


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
    rows = _rows(path)
    if "candidates" in rows[0].fields:
        found = _by_name(path, [_prediction(row) for row in rows])
    elif {"candidate", "text"} <= rows[0].fields.keys():
        found = _by_name(path, [_listed(row) for row in rows if row.fields.get("candidate") in FIRST])
    else:
        hint = "predictions are records as `textgen title … {@output} FILE.jsonl` writes them"
        raise UsageError(f"the first row of {path} has no field 'candidates'", hint=hint)
    if all(prediction.failed for prediction in found.values()):
        raise DataError(f"{path} has only error records", hint="their field error says why")
    return found


def read_references(
    path: Path, fields: Fields, *, tell: Callable[[str], None] = unheard
) -> dict[str, Reference]:
    """Read what predictions are held against.

    Args:
        path: A file of any format with fields; it may be packed.
        fields: Where things lie in its rows. Where there is no field `id`, rows are called by their numbers;
            one that was named must be there in every row.
        tell: Told what separates the cells of a table, if that is not what the file's ending says.

    Returns:
        References by name, in the file's order.

    Raises:
        UsageError: There is no such file, or its first row lacks a field that was asked for.
        DataError: A line cannot be used, or two rows have one id.
    """
    rows = _rows(path, fields.id, tell)
    for flag, name in (
        ("{@reference_field}", fields.reference),
        ("{@source_field}", fields.source),
        ("{@keywords_field}", fields.keywords),
    ):
        if name is not None:
            _check_first(path, rows[0].fields, name, flag)
    return _by_name(path, [_reference(row, fields) for row in rows])


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


def _prediction(row: _Line) -> Prediction:
    candidates = row.fields.get("candidates")
    if row.fields.get("error") is not None or candidates == []:
        return Prediction(row.name, "", failed=True)
    if not isinstance(candidates, list) or not isinstance(candidates[0], dict):
        raise DataError(f"{row.place} has no list of candidates", hint="is it a record of textgen?")
    return Prediction(row.name, _text(row, candidates[0].get("text"), "the first candidate's text"))


def _listed(row: _Line) -> Prediction:
    """A prediction from a table with a row a candidate; a row without one is an error record."""
    if row.fields.get("error") not in NOTHING or row.fields["candidate"] in NOTHING:
        return Prediction(row.name, "", failed=True)
    return Prediction(row.name, _text(row, row.fields.get("text"), "'text'"))


def _reference(row: _Line, fields: Fields) -> Reference:
    text = _text(row, row.fields.get(fields.reference), repr(fields.reference))
    if is_blank(text):
        raise DataError(
            f"{row.place}: {fields.reference!r} is empty", hint="leave out rows that have no reference"
        )
    name = fields.source or "text"
    source = row.fields.get(name)
    keywords = row.fields.get(fields.keywords or "keywords")
    source = None if source is None else _text(row, source, repr(name))
    return Reference(row.name, text, source, _keywords(row, keywords), row.numbered)


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


def _rows(path: Path, id_field: str | None = None, tell: Callable[[str], None] = unheard) -> list[_Line]:
    """The rows, named as the reader of articles names them, so that records find what they were made of."""
    source = table_in(path)
    assert source.format.read is not None  # as every table's
    unit, values = source.format.read(source, Selection(tell=tell))
    rows: list[_Line] = []
    for number, (at, value) in enumerate(values, 1):
        place = f"{path}, {unit} {at}"
        if isinstance(value, DataError):
            raise DataError(f"{path}, {value.message}", hint=value.hint)
        if not isinstance(value, dict):
            raise DataError(f"{place} is not an object with fields", hint="one JSON object a line")
        if None in value:
            raise DataError(f"{place} has more cells than the header", hint="are cells quoted?")
        if id_field is not None and not rows:
            _check_first(path, value, id_field, "{@id_field}")
        given = value.get(id_field or "id")
        numbered = given in NOTHING
        if numbered and id_field is not None:
            raise DataError(f"{place} has nothing in the field {id_field!r}", hint="every row needs an id")
        rows.append(_Line(place, str(number) if numbered else printable(str(given)), value, numbered))
    if not rows:
        raise DataError(f"{path} has no rows", hint="one row a line")
    return rows


def _check_first(path: Path, fields: Mapping[str, Any], name: str, flag: str) -> None:
    """Refuse a table whose first row lacks a field that was named. Raises UsageError."""
    if name not in fields:
        names = ", ".join(str(known) for known in fields)
        raise UsageError(f"the first row of {path} has no field {name!r}", hint=f"{flag} one of: {names}")
