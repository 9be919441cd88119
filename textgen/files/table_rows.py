"""Rows from the values of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from textgen.errors import DataError, UsageError
from textgen.events import OnEvent
from textgen.files.formats.base import Selection
from textgen.files.sources import Source
from textgen.messages import Message, option
from textgen.options.batch import InputOptions
from textgen.schema import Row
from textgen.text.keywords import keywords_of
from textgen.text.names import printable

OTHER_DELIMITERS = (",", ";", "\t", "|", "，", "；")


def table_rows(
    source: Source, options: InputOptions, prefix: str, on_event: OnEvent, *, text_option: str = "field"
) -> Iterator[Row]:
    """The rows of a table.

    Args:
        source: The file.
        options: How they are read; without a field for the text, keywords are all they have.
        prefix: Stands before the numbers of the rows.
        on_event: Told what separates the cells, if that is not what the file's ending says.
        text_option: The name of the option that names the field for the text.

    Raises:
        DataError: It cannot be read at all.
        UsageError: Its first row lacks a field that was named.
    """
    number, first = 0, True
    source.format.check_installed(source.name)
    assert source.format.read is not None  # as every table's
    fields = () if options.keep_fields else options.names
    unit, values = source.format.read(source, Selection(fields, options.named, source.certain, on_event))
    for number, (at, value) in enumerate(values, 1):
        if unit == "element" and isinstance(value, str):  # an array of texts
            value = {options.field or options.keywords_name: value}
        if first and isinstance(value, dict):
            wanted = {text_option: options.field, "keywords_field": options.keywords_field}
            if options.id_field != "id":
                wanted["id_field"] = options.id_field
            for name, field in wanted.items():
                if field:
                    check_field(source.name, value, name, field)
            first = False
        yield _table_row(f"{unit} {at}", number, value, options, prefix)
    if not number:
        hint = "a table has one row an article, a prompt, or the like"
        raise DataError("{name} has no rows", name=source.name, hint=hint)


def check_field(table: str, row: Mapping[Any, Any], name: str, field: str) -> None:
    """Refuse a table whose first row lacks a field that was named.

    Args:
        table: Its name.
        row: Its first row.
        name: The option that names the field.
        field: The field.

    Raises:
        UsageError: It has no such field.
    """
    if field in row:
        return
    names = [str(name) for name in row if name is not None]
    hint = "{option} one of: {names}"
    if len(row) == len(names) == 1 and any(mark in names[0] for mark in OTHER_DELIMITERS):
        hint = "its header is one cell, {names}: a first line such as sep=; says what separates"
    message = "the first row of {table} has no field {field}"
    raise UsageError(message, table=table, field=repr(field), option=option(name), names=names, hint=hint)


def _table_row(place: str, number: int, value: Any, options: InputOptions, prefix: str) -> Row:
    name = f"{prefix}{number}"
    if isinstance(value, DataError):
        return Row("", name=name, error=value.line)
    if not isinstance(value, dict):
        return Row("", name=name, error=Message("{place} is not an object with fields", place=place))
    given = value.get(options.id_field) if options.id_field else None
    id = printable(str(given)) if given not in (None, "") else None
    row = partial(Row, name=id or name, id=id)
    if id is not None and prefix:  # the id does not tell the file, as the name of a row without one does
        place = f"{prefix.removesuffix(':')}, {place}"
    if None in value:
        return row("", error=Message("{place} has more cells than the header", place=place))
    if options.keep_fields:
        row.keywords["fields"] = {key: cell for key, cell in value.items() if key not in options.names}
    text = "" if options.field is None else value.get(options.field)
    if not isinstance(text, str):
        problem = "{place}: {field} is not text"
        if text is None and options.field in value:
            problem = "{place} has nothing in the field {field}"
        elif text is None:
            problem = "{place} has no field {field}"
        return row("", error=Message(problem, place=place, field=repr(options.field)))
    try:
        keywords = keywords_of(value.get(options.keywords_name) if options.keywords_name else None)
        choices = keywords_of(value.get(options.choices_field) if options.choices_field else None)
    except DataError as error:
        return row("", error=Message("{place}: {error}", place=place, error=error.line))
    return row(text, keywords=keywords, choices=choices, place=place)
