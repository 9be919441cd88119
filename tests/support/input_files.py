"""Files with rows, and what is read of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from textgen.files.formats.registry import OWN
from textgen.files.lines import Line, lines_of
from textgen.files.rows import FileRows
from textgen.options import InputOptions
from textgen.schema import Row

ROWS = [
    {"id": "甲", "text": "今天天气很好，我们去公园吧。", "keywords": "公园、天气", "备注": "晴"},
    {"id": "", "text": '他说："明天, 再来"', "keywords": "", "备注": ""},
    {"id": "丙", "text": "", "keywords": "春天", "备注": "空"},
    {"id": "007", "text": " 两边有空格 ", "keywords": '["一, 二", "三"]', "备注": "a|b"},
]
FORMS = [end.removeprefix(".") for one in OWN.values() if one.is_table for end in one.endings]


def write(name: str, rows: list[dict[str, Any]] = ROWS) -> str:
    """Write a table in the form that the name's ending tells."""
    if name.endswith("parquet"):
        pyarrow = pytest.importorskip("pyarrow")
        pyarrow.parquet = pytest.importorskip("pyarrow.parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), name)
        return name
    file = io.StringIO(newline="")
    if "json" in name:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif ".tsv" in name:
        file.writelines("\t".join(cells) + "\n" for cells in [list(rows[0]), *(row.values() for row in rows)])
    else:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pack: Any = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(name).suffix, bytes)
    Path(name).write_bytes(pack(file.getvalue().encode()))
    return name


def lines(name: str, *texts: str | bytes) -> str:
    parts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    Path(name).write_bytes(b"".join(part + b"\n" for part in parts))
    return name


def numbered(text: str) -> Iterator[Line]:
    """The lines of a text as a reader of a file gets them."""
    return lines_of(lambda: io.BytesIO(text.encode(errors="surrogatepass")), "utf-8", "a")


def read(*inputs: str, **options: Any) -> list[Row]:
    rows = FileRows(inputs, InputOptions(**options))
    found = list(rows)
    assert list(rows) == found
    assert len(rows) == len(found)
    return found
