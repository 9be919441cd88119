"""Rows as a caller of Python gives them: each is checked alone, so that a wrong one costs no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import NoneType

from textgen.errors import DataError, UsageError
from textgen.messages import Message
from textgen.schema import Row
from textgen.text.keywords import keywords_of


def given_rows(texts: object) -> Iterator[Row]:
    """The rows of what `generate` takes, numbered from 1; what cannot be used is one with an error.

    Raises:
        UsageError: It is neither a text nor a row, nor several of them.
    """
    given = [texts] if isinstance(texts, str | Row) else texts
    if isinstance(given, bytes | bytearray | Mapping) or not isinstance(given, Iterable):
        kind, hint = type(given).__name__, "give a text, a Row, or a list of them"
        raise UsageError("{kind} is neither a text nor a list of texts", kind=kind, hint=hint)
    return (_row(text, str(number)) for number, text in enumerate(given, 1))


def _row(given: object, number: str) -> Row:
    """A row as it was given, a string of keywords split like a cell; one with an error if it is unusable.

    Args:
        given: A text, a row, or anything else.
        number: The name of what has none.
    """
    if not isinstance(given, Row):
        given = Row(given, name=number)  # type: ignore[arg-type]
    try:
        _check("text", given.text, str)
        _check("name", given.name, str)
        _check("id", given.id, str, NoneType)
        _check("fields", given.fields, Mapping, NoneType)
        keywords, choices = keywords_of(given.keywords), keywords_of(given.choices)
    except DataError as error:
        name = given.name if isinstance(given.name, str) else ""
        return Row("", name=name or number, error=Message("{error}", error=error.line))
    # those of a list stay as they are: they are part of the key of its random numbers
    given = replace(given, choices=choices)
    return given if isinstance(given.keywords, list | tuple) else replace(given, keywords=keywords)


def _check(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        message = "{kind} is not text" if name == "text" else "{name} is of type {kind}"
        wanted = "a dictionary" if Mapping in kinds else "text"
        values = {"name": name, "kind": type(value).__name__, "wanted": wanted}
        raise DataError(message, hint=None if name == "text" else "it must be {wanted}", **values)
