"""Records as tables and as plain text.

A table has a row for every candidate, and one for every record without any: the fields of the record, of
the candidate, and those that were kept of the input. What is itself a list or an object is JSON.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from textgen.batch.parquet import write_parquet

COLUMNS: dict[str, type] = {
    "id": str,
    "candidate": int,
    "text": str,
    "score": float,
    "score_kind": str,
    "logprob": float,
    "tokens": int,
    "finish_reason": str,
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
OF_RECORD = ("id", "prompt", "input_tokens", "used_tokens", "model", "seed", "error")


def convert(records: Path, path: Path) -> None:
    """Write records in the format that a file's ending names.

    Args:
        records: JSON, one a line.
        path: A file that ends in `.csv`, `.parquet` or `.txt`.

    Raises:
        OSError: It cannot be written.
    """
    WRITERS[path.suffix.lower()](records, path)


def _write_text(records: Path, path: Path) -> None:
    """A line a record, its texts with tabs between them; nothing for an error."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in _read(records):
            texts = [" ".join(candidate["text"].split()) for candidate in record["candidates"]]
            file.write("\t".join(texts) + "\n")


def _write_csv(records: Path, path: Path) -> None:
    """With a byte-order mark, without which Excel takes the text for another encoding."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(_columns(records)))
        writer.writeheader()
        writer.writerows(_rows(records))


def _write_parquet(records: Path, path: Path) -> None:
    columns = _columns(records)
    write_parquet(path, (_typed(row, columns) for row in _rows(records)), columns)


WRITERS: dict[str, Callable[[Path, Path], None]] = {
    ".txt": _write_text,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}


def _read(records: Path) -> Iterator[dict[str, Any]]:
    with records.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def _rows(records: Path) -> Iterator[dict[str, Any]]:
    for record in _read(records):
        own = {name: record[name] for name in OF_RECORD if name in record}
        own |= {_column(name): _cell(value) for name, value in record.get("fields", {}).items()}
        for number, candidate in enumerate(record["candidates"], 1):
            cells = {name: _cell(value) for name, value in candidate.items()}
            yield own | {"candidate": number} | cells
        if not record["candidates"]:
            yield own


def _columns(records: Path) -> dict[str, type]:
    """The columns that any row has, with their types: ours first, then those that were kept."""
    found: dict[str, set[type]] = {}
    for row in _rows(records):
        for name, value in row.items():
            found.setdefault(name, set()).update([] if value is None else [type(value)])
    ours = {name: kind for name, kind in COLUMNS.items() if name in ALWAYS or found.get(name)}
    return ours | {name: _common(kinds) for name, kinds in found.items() if name not in COLUMNS}


def _common(kinds: set[type]) -> type:
    """The type that holds values of all these."""
    if kinds and kinds <= {int, float}:
        return float if float in kinds else int
    return bool if kinds == {bool} else str


def _typed(row: dict[str, Any], columns: dict[str, type]) -> dict[str, Any]:
    return {
        name: value if value is None else columns[name](value)
        for name, value in row.items()
        if name in columns
    }


def _column(field: str) -> str:
    """The column of a field that was kept, which may be called like one of ours."""
    return f"input_{field}" if field in COLUMNS else field


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
