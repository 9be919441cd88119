"""Plain text: a file is one text, or has one text a line."""

from __future__ import annotations

from pathlib import Path

from textgen.files.formats.base import Format, Records


def _write(records: Records, path: Path) -> None:
    """A line a record, its texts with tabs between them; empty for an error, or a blank line of the input."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for record, row in zip(records, records.rows, strict=True):
            texts = [" ".join(candidate["text"].split()) for candidate in record["candidates"]]
            file.write("\n" * row.blank_before + "\t".join(texts) + "\n" * (1 + row.blank_after))


TEXT = Format("text", (".txt", ".md"), shape="text", write=_write)
LINES = Format("lines", shape="lines")
