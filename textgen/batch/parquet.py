"""Tables in Parquet files, which need pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from textgen.errors import DataError, UsageError
from textgen.text.tables import Value

ROWS = 1024  # read or written at once


def check_parquet(name: str) -> None:
    """Raise UsageError if there is nothing to read or write Parquet files with."""
    if find_spec("pyarrow") is None:
        raise UsageError(f"{name}: Parquet files need pyarrow", hint="pip install '.[parquet]'")


def parquet_values(path: Path) -> Iterator[Value]:
    """Numbers and rows of a Parquet file. Raises DataError if it is none, UsageError without pyarrow."""
    check_parquet(str(path))
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(ROWS):
                for value in batch.to_pylist():
                    number += 1
                    yield number, value
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read: {reason}", hint="is it a whole Parquet file?") from None


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], types: Mapping[str, type]) -> None:
    """Write rows as a Parquet file.

    Args:
        path: Where to.
        rows: Cells by column; a column that is missing is null.
        types: The columns in their order: `str`, `int`, `float` or `bool`.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow
    from pyarrow import parquet

    kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in types.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        block: list[Mapping[str, Any]] = []
        for row in rows:
            block.append(row)
            if len(block) == ROWS:
                writer.write_table(pyarrow.Table.from_pylist(block, schema=schema))
                block = []
        writer.write_table(pyarrow.Table.from_pylist(block, schema=schema))
