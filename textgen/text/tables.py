"""The rows of JSON lines and of tables with delimiters."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Literal

from textgen.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
LARGEST_CELL = 2**30


def json_values(text: str) -> Iterator[tuple[int, Any]]:
    """Line numbers with the value of each line, or the DataError that reading it gave; no blank lines."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, DataError(f"line {number} is not JSON: {error}", hint="is the file whole?")


def csv_values(text: str, delimiter: str, name: str) -> Iterator[tuple[int, dict[str | None, Any]]]:
    """Line numbers and rows; cells beyond the header lie under None.

    Args:
        text: With its header.
        delimiter: Of `DELIMITERS`. In a table with tabs a quotation mark is text; elsewhere one without
            its partner is an error.
        name: What to call the table.

    Raises:
        DataError: It is no such table.
    """
    csv.field_size_limit(LARGEST_CELL)
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}", hint="is it a CSV file?") from None
