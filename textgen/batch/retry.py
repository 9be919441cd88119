"""The rows of a finished run that are computed again: errors, and those that have been changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

from textgen.batch.engine import Slice
from textgen.batch.journal import digests_in
from textgen.errors import UsageError
from textgen.messages import Message
from textgen.schema import DIGEST_SIZE, Row

ANEW = "{@force} begins anew"


class RowsAgain:
    """The rows to compute again: those whose records are errors, or that have changed since.

    Args:
        rows: All rows. They may have been mended since, but must be the same rows.
        records: The records that were made of them, one a line.
        digests: The digests of the rows that they were made of.

    Attributes:
        again: For every row 1 if it is computed again, else 0.
        changed: How many of these are no errors.

    Raises:
        UsageError: They are other rows.
    """

    def __init__(self, rows: Slice, records: Path, digests: Path) -> None:
        self._rows, self._records = rows, records
        self.again = bytearray()
        self.changed = 0
        self._compare(digests)
        if self.changed and all(self.again):
            message = "no record in {path} was made of a row of this input"
            raise UsageError(message, path=records, hint=ANEW)

    def __len__(self) -> int:
        return sum(self.again)

    def __iter__(self) -> Iterator[Row]:
        return compress(self._rows, self.again)

    def _compare(self, digests: Path) -> None:
        """Find the rows to compute again; check that rows and records belong together."""
        if not digests.exists() or digests.stat().st_size != len(self._rows) * DIGEST_SIZE:
            message = "{path}, which says of which rows the records are, is missing or broken"
            raise UsageError(message, path=digests, hint=ANEW)
        try:
            found = zip(self._rows, record_lines(self._records), digests_in(digests), strict=True)
            for row, line, digest in found:
                record = json.loads(line)
                error = record["error"] is not None
                if not error and record["id"] != row.name:
                    names = {"id": repr(record["id"]), "row": repr(row.name)}
                    message = "{place} is {id}, the input's row {row}"
                    raise UsageError(message, place=self._place, hint=ANEW, **names)
                self.changed += not error and digest != row.digest
                self.again.append(error or digest != row.digest)
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = "{place}, does not fit the input: {reason}"
            raise UsageError(message, place=self._place, reason=error, hint=ANEW) from None

    @property
    def _place(self) -> Message:
        return Message("{path}, line {line}", path=self._records, line=len(self.again) + 1)


def record_lines(records: Path) -> Iterator[str]:
    """The lines of a file of records, unparsed."""
    with records.open(encoding="utf-8", newline="\n") as file:
        yield from (line.removesuffix("\n") for line in file)
