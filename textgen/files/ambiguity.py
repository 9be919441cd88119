"""Notes on files that could be read otherwise: in another encoding, or as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textgen.events import Note, OnEvent, ignore
from textgen.files.encodings.plausibility import utf8_by_chance
from textgen.files.formats.base import Format
from textgen.files.formats.csv import CSV, TSV
from textgen.files.sources import Source
from textgen.options.batch import InputOptions
from textgen.schema import Row
from textgen.text.line_ends import LINE_END
from textgen.text.names import clean_name


def noting_encodings(rows: Iterable[Row], source: Source, on_event: OnEvent) -> Iterator[Row]:
    """The rows; a note says so if the file could as well be GBK, of which nothing but its bytes tells."""
    readings = set()
    for row in rows:
        text = row.text or "".join(row.keywords)
        if on_event is not ignore and not text.isascii():
            readings.add(utf8_by_chance(text.encode("utf-8", "replace")))
        yield row
    if readings == {"perhaps"}:
        message = "{name} is read as UTF-8, but could be GBK as well; convert it if that is wrong"
        on_event(Note(message, name=source.name))


def noting_tables(
    rows: Iterable[Row], source: Source, options: InputOptions, on_event: OnEvent
) -> Iterator[Row]:
    """The rows of a text; a note says so if it looks like a table."""
    heads: list[str] = []
    tabs: set[int] = set()
    for row in rows:
        heads = heads or [row.text]
        tabs.add(row.text.count("\t"))
        yield row
    header = LINE_END.split(heads[0], maxsplit=1)[0] if heads else ""
    if table := _table_with(options.field or options.keywords_name, header):
        message = "{name} looks like a table; {@format} {table} reads its rows"
        on_event(Note(message, name=source.name, table=table.name))
    elif source.format.shape == "lines" and len(tabs) == 1 and tabs.pop():
        message = "all lines of {name} have tabs; {@format} {table} reads them as a table"
        on_event(Note(message, name=source.name, table=TSV.name))


def _table_with(field: str, header: str) -> Format | None:
    """The format of a table with this header, if it has a column of that name beside another one."""
    for table, separators in ((TSV, "\t"), (CSV, ",;|")):
        for separator in separators:
            cells = [clean_name(cell).strip('"') for cell in header.split(separator)]
            if len(cells) > 1 and field in cells:
                return table
    return None
