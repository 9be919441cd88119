"""Records as tables and as plain text.

A table has a row for every candidate, and one for every record without any: the fields of the record, of
the candidate, and those that were kept of the input. What is itself a list or an object is JSON.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from textgen.files.formats.parquet import write_parquet
from textgen.files.sources import printable
from textgen.schema import Row

COLUMNS: dict[str, type] = {
    "id": str,
    "candidate": int,
    "text": str,
    "score": float,
    "score_kind": str,
    "logprob": float,
    "tokens": int,
    "finish_reason": str,
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
}
ALWAYS = (
    "id",
    "candidate",
    "text",
    "score",
    "score_kind",
    "tokens",
    "finish_reason",
    "model",
    "seed",
    "error",
)
OF_RECORD = ("id", "prompt", "input_tokens", "used_tokens", "model", "seed", "error", "notes")


FORMULA = tuple("=+-@＝＋－＠\t\r\n")  # what a spreadsheet takes for the beginning of one


def convert(records: Path, path: Path, format: str, rows: Iterable[Row], *, csv_safe: bool = False) -> None:
    """Write records in another format.

    Args:
        records: JSON, one a line.
        path: Where to.
        format: `.csv`, `.parquet` or `.txt`.
        rows: What they were made of, one each; they tell of blank lines between them.
        csv_safe: Put an apostrophe before every text in a CSV file that looks like a formula.

    Raises:
        OSError: It cannot be written.
    """
    if format == ".txt":
        _write_text(records, path, rows)
    elif format == ".csv":
        _write_csv(records, path, _inert if csv_safe else _as_it_is)
    else:
        _write_parquet(records, path)


def _write_text(records: Path, path: Path, rows: Iterable[Row]) -> None:
    """A line a record, its texts with tabs between them; empty for an error, or a blank line of the input."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for record, row in zip(_read(records), rows, strict=True):
            texts = [" ".join(candidate["text"].split()) for candidate in record["candidates"]]
            file.write("\n" * row.blank_before + "\t".join(texts) + "\n" * (1 + row.blank_after))


def _write_csv(records: Path, path: Path, shown: Callable[[Any], Any]) -> None:
    """With a byte-order mark, without which Excel takes the text for another encoding."""
    names = _kept_columns(records)
    columns = list(_columns(records, names))  # those that are empty throughout are left out
    with path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([shown(name) for name in columns])
        for row in _rows(records, names):
            writer.writerow([shown(row.get(name, "")) for name in columns])


def _as_it_is(cell: Any) -> Any:
    return cell


def _inert(cell: Any) -> Any:
    """A cell as a spreadsheet shows it and does not compute it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _write_parquet(records: Path, path: Path) -> None:
    names = _kept_columns(records)
    columns = _columns(records, names)
    write_parquet(path, (_typed(row, columns) for row in _rows(records, names)), columns)


def _read(records: Path) -> Iterator[dict[str, Any]]:
    with records.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def _kept_columns(records: Path) -> dict[str, str]:
    """The columns of the fields that were kept, which may be called like ours, or like each other's."""
    fields = dict.fromkeys(name for record in _read(records) for name in record.get("fields", {}))
    taken, columns = {*COLUMNS, *fields}, {}
    for name in fields:
        column = name
        while column in COLUMNS or (column != name and column in taken):
            column = f"input_{column}"
        taken.add(column)
        columns[name] = column
    return {name: printable(column) for name, column in columns.items()}


def _rows(records: Path, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for record in _read(records):
        own = {name: _cell(record[name]) for name in OF_RECORD if name in record}
        own |= {names[name]: _cell(value) for name, value in record.get("fields", {}).items()}
        for number, candidate in enumerate(record["candidates"], 1):
            cells = {name: _cell(value) for name, value in candidate.items()}
            yield own | {"candidate": number} | cells
        if not record["candidates"]:
            yield own


def _columns(records: Path, names: Mapping[str, str]) -> dict[str, type]:
    """The columns that any row has, with their types: ours first, then those that were kept."""
    found: dict[str, set[type]] = {}
    for row in _rows(records, names):
        for name, value in row.items():
            found.setdefault(name, set()).update([] if value is None else [_kind(value)])
    ours = {name: kind for name, kind in COLUMNS.items() if name in ALWAYS or found.get(name)}
    return ours | {name: _common(kinds) for name, kinds in found.items() if name not in COLUMNS}


def _kind(value: Any) -> type:
    """The type of a cell; a number that no column of numbers holds is text."""
    return str if isinstance(value, int) and not -(2**63) <= value < 2**63 else type(value)


def _common(kinds: set[type]) -> type:
    """The type that holds values of all these."""
    if kinds and kinds <= {int, float}:
        return float if float in kinds else int
    return bool if kinds == {bool} else str


def _typed(row: dict[str, Any], columns: dict[str, type]) -> dict[str, Any]:
    return {name: _converted(value, columns[name]) for name, value in row.items() if name in columns}


def _converted(value: Any, kind: type) -> Any:
    if value is None or kind is not str:
        return value if value is None else kind(value)
    return printable(value if isinstance(value, str) else json.dumps(value))


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
