"""Tables in Parquet files, which need pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from textgen.errors import DataError
from textgen.files.formats.base import File, Format, Records, Selection, Value, check_columns
from textgen.files.formats.record_table import RecordTable
from textgen.schema import finite
from textgen.text.names import clean_name

ROWS = 1024  # read or written at once


def _values(path: Path, selection: Selection) -> Iterator[Value]:
    """Numbers and rows of a Parquet file, or the DataError of a row that Python has no values for.

    Names of columns are as `clean_name` gives them.

    Raises:
        DataError: It is no Parquet file, or has two columns of one name.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            spelt = file.schema_arrow.names
            check_columns(map(clean_name, spelt), str(path))
            names = {clean_name(name): name for name in spelt}
            wanted = [names[name] for name in selection.fields if name in names]
            some = wanted if wanted and names.keys() >= {*selection.required} else None
            number = 0
            for batch in file.iter_batches(ROWS, columns=some):
                for value in _pythonic(batch):
                    number += 1
                    if isinstance(value, dict):
                        yield number, {clean_name(name): finite(cell) for name, cell in value.items()}
                    else:
                        problem = "row {number} has a value that cannot be read: {error}"
                        yield (
                            number,
                            DataError(problem, number=number, error=value, hint="leave out its column"),
                        )
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "is it a whole Parquet file?"
        raise DataError("{path} cannot be read: {reason}", path=path, reason=reason, hint=hint) from None


def _pythonic(batch: Any) -> list[Any]:
    """The rows as dictionaries, or the error of one that holds a date beyond the year 9999, say."""
    try:
        return list(batch.to_pylist())
    except (OverflowError, ValueError) as error:
        if len(batch) == 1:
            return [error]
    return [row for number in range(len(batch)) for row in _pythonic(batch.slice(number, 1))]


def _read(file: File, selection: Selection) -> tuple[str, Iterator[Value]]:
    return "row", _values(file.path, selection)


def _write(records: Records, path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    table = RecordTable(records)
    kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in table.columns.items()])
    rows, size = table.typed(), ROWS
    with parquet.ParquetWriter(path, schema) as writer:
        while size == ROWS:
            block = list(islice(rows, ROWS))
            writer.write_table(pyarrow.Table.from_pylist(block, schema=schema))
            size = len(block)


PARQUET = Format(
    "parquet", (".parquet",), read=_read, write=_write, binary=True, library="pyarrow", extra="parquet"
)
