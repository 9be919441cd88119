"""The error rows of a finished run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from textgen.batch.engine import Slice
from textgen.errors import UsageError
from textgen.schema import Row


class ErrorRows:
    """The rows whose records are errors.

    Args:
        rows: All rows. They may have been mended since, but must be the same rows.
        records: The records that were made of them, one a line.

    Raises:
        UsageError: They are other rows.
    """

    def __init__(self, rows: Slice, records: Path) -> None:
        self._rows, self._records = rows, records
        self._count = self._checked()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        pairs = zip(self._rows, record_lines(self._records), strict=True)
        return (row for row, line in pairs if is_error(line))

    def _checked(self) -> int:
        """How many there are, once rows and records are known to belong together."""
        lines, errors = 0, 0
        try:
            for row, line in zip(self._rows, record_lines(self._records), strict=True):
                lines += 1
                record = json.loads(line)
                errors += record["error"] is not None
                if record["error"] is None and record["id"] != row.name:
                    raise UsageError(
                        f"{self._records}, line {lines} is {record['id']!r}, the input's row {row.name!r}",
                        hint="--force begins anew",
                    )
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = f"{self._records}, line {lines + 1}, does not fit the input: {error}"
            raise UsageError(reason, hint="--force begins anew") from None
        return errors


def record_lines(records: Path) -> Iterator[str]:
    """The records of a file as they stand there."""
    with records.open(encoding="utf-8", newline="\n") as file:
        yield from (line.removesuffix("\n") for line in file)


def is_error(line: str) -> bool:
    """Whether a record is an error."""
    return json.loads(line)["error"] is not None
