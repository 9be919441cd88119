"""Records as a table.

A table has a row for every candidate, and one for every record without any: the fields of the record, of
the candidate, and those that were kept of the input. What is itself a list or an object is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from textgen.files.formats.base import Records
from textgen.schema import SOME_FIELDS
from textgen.text.names import printable

COLUMNS: dict[str, type] = {
    "id": str,
    "candidate": int,
    "text": str,
    "score": float,
    "score_kind": str,
    "logprob": float,
    "tokens": int,
    "finish_reason": str,
    "choice": str,
    "probability": float,
    "flags": str,
    "direction": str,
    "copied": float,
    "support": str,
    "changes": str,
    "chain": str,
    "prompt": str,
    "input_tokens": int,
    "used_tokens": int,
    "model": str,
    "seed": int,
    "error": str,
    "notes": str,
    "locks": str,
}
# left out where no row has one
SOMETIMES = (*SOME_FIELDS, "logprob", "prompt", "input_tokens", "used_tokens", "notes", "locks")
OF_RECORD = ("id", "prompt", "input_tokens", "used_tokens", "model", "seed", "error", "notes", "locks")


class RecordTable:
    """The rows and typed columns that records make; iterating gives the rows, dictionaries of cells.

    Args:
        records: The records.

    Attributes:
        columns: The columns that any row has, with their types: ours first, then those that were kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._names = _kept_columns(records)
        self.columns = self._columns()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for record in self._records:
            own = {name: _cell(record[name]) for name in OF_RECORD if name in record}
            own |= {self._names[name]: _cell(value) for name, value in record.get("fields", {}).items()}
            for number, candidate in enumerate(record["candidates"], 1):
                cells = {name: _cell(value) for name, value in candidate.items()}
                yield own | {"candidate": number} | cells
            if not record["candidates"]:
                yield own

    def typed(self) -> Iterator[dict[str, Any]]:
        """The rows with every cell of its column's type."""
        for row in self:
            yield {
                name: _converted(value, self.columns[name])
                for name, value in row.items()
                if name in self.columns
            }

    def _columns(self) -> dict[str, type]:
        found: dict[str, set[type]] = {}
        for row in self:
            for name, value in row.items():
                found.setdefault(name, set()).update([] if value is None else [_kind(value)])
        ours = {name: kind for name, kind in COLUMNS.items() if name not in SOMETIMES or found.get(name)}
        return ours | {name: _common(kinds) for name, kinds in found.items() if name not in COLUMNS}


def _kept_columns(records: Records) -> dict[str, str]:
    """The columns of the fields that were kept, which may be called like ours, or like each other's."""
    fields = dict.fromkeys(name for record in records for name in record.get("fields", {}))
    taken, columns = {*COLUMNS, *fields}, {}
    for name in fields:
        column = name
        while column in COLUMNS or (column != name and column in taken):
            column = f"input_{column}"
        taken.add(column)
        columns[name] = column
    return {name: printable(column) for name, column in columns.items()}


def _kind(value: Any) -> type:
    """The type of a cell; a number that no column of numbers holds is text."""
    return str if isinstance(value, int) and not -(2**63) <= value < 2**63 else type(value)


def _common(kinds: set[type]) -> type:
    """The type that holds values of all these."""
    if kinds and kinds <= {int, float}:
        return float if float in kinds else int
    return bool if kinds == {bool} else str


def _converted(value: Any, kind: type) -> Any:
    if value is None or kind is not str:
        return value if value is None else kind(value)
    return printable(value if isinstance(value, str) else json.dumps(value))


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
