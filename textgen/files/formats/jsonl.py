"""JSON lines, or a JSON array: rows are an object a line, or the elements of the array."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from textgen.errors import DataError
from textgen.files.encodings.detection import encoding_by_mark, wide_encoding
from textgen.files.formats.base import Format, Value
from textgen.files.lines import BrokenLineError, Line, line_text
from textgen.text.blank import MARK, is_blank
from textgen.text.line_ends import LINE_END
from textgen.text.names import clean_name, repeated

LONGEST_ELEMENT = 2**26  # characters; an array that has a longer one probably lacks a bracket
# an object with a key, or an array of them; an article may well begin with a bracket
_OBJECT = re.compile(r'(\[\s*)?\{\s*"[^"]*"\s*:')

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},]')


def json_rows(lines: Iterable[Line], name: str) -> tuple[str, Iterator[Value]]:
    """The rows of a JSON file.

    Args:
        lines: Its lines.
        name: What to call it.

    Returns:
        What a row is, a `line` or an `element`, and numbers with the value of each, or with the DataError
        that reading it gave. Rows are the elements of an array if the file is one, else its lines that are
        not blank. What JSON has no number for (NaN, Infinity, 1e400) is None.

    Raises:
        DataError: The file is one object over several lines.
    """
    rest = iter(lines)
    head: list[Line] = []
    for number, line in rest:
        head.append((number, line))
        if isinstance(line, DataError) or not is_blank(line):
            break
    first = "" if not head or isinstance(head[-1][1], DataError) else head[-1][1].strip()
    if first == "{":
        hint = "rows are an object a line, or the elements of an array"
        raise DataError("{name} is one JSON object over several lines, not rows", name=name, hint=hint)
    if not first.startswith("["):
        return "line", json_values(chain(head, rest))
    if sum(_step(token[0]) for token in _TOKEN.finditer(first)) <= 0:  # such lines may be many: rows
        for number, line in rest:
            head.append((number, line))
            if isinstance(line, DataError) or not is_blank(line):
                return "line", json_values(chain(head, rest))
    return "element", array_values(chain(head, rest))


def json_values(lines: Iterable[Line]) -> Iterator[Value]:
    """Line numbers with the value of each line, or the DataError that reading it gave; no blank lines."""
    for number, line in lines:
        if isinstance(line, DataError):
            yield number, line
        elif not is_blank(line):
            yield number, _read(line.rstrip("\r\n"), f"line {number}")


def array_values(lines: Iterable[Line]) -> Iterator[Value]:
    """Numbers from 1 with the elements of an array, or the DataError that reading one gave.

    One element is in memory at a time (of an array in one line, that line, too).

    Args:
        lines: Those of the array.
    """
    lines = iter(lines)
    count = depth = size = 0
    parts: list[str] = []
    problem: DataError | None = None
    for number, line in lines:
        text, start = line_text(line), 0
        if isinstance(line, DataError):
            problem = problem or line
            if not isinstance(line, BrokenLineError):  # what comes behind damage
                break
        for token in _TOKEN.finditer(text):
            mark = token[0]
            depth += _step(mark)
            if mark == "[" and depth == 1:
                start = token.end()
            elif depth == 0 or (mark == "," and depth == 1):
                whole = "".join([*parts, text[start : token.start()]])
                if problem or mark == "," or not is_blank(whole):
                    count += 1
                    yield count, problem or _read(whole.strip(), f"element {count}")
                parts, size, problem, start = [], 0, None, token.end()
            if depth == 0:
                yield from _behind(chain([(number, text[start:])], lines), count)
                return
        parts.append(text[start:])
        size += len(parts[-1])
        if size > LONGEST_ELEMENT:
            values = {"count": count + 1, "most": f"{LONGEST_ELEMENT:,}"}
            message = "element {count} has more than {most} characters"
            yield count + 1, DataError(message, hint="is a bracket missing?", **values)
            return
    if problem or not is_blank("".join(parts)):
        count += 1
        yield count, problem or _read("".join(parts).strip(), f"element {count}")
    message = "the array does not end behind element {count}"
    yield count + 1, DataError(message, count=count, hint="is the file whole?")


def _behind(lines: Iterable[Line], count: int) -> Iterator[Value]:
    """An error if there is something behind an array."""
    for number, line in lines:
        if isinstance(line, DataError) or not is_blank(line):
            hint = "a file is one array, or has an object a line"
            yield count + 1, DataError("line {number}: something follows the array", number=number, hint=hint)
            return


def _step(mark: str) -> int:
    """The change of depth at a bracket."""
    return (mark in "[{") - (mark in "]}")


def _read(text: str, place: str) -> Any:
    """The value of a JSON text, or the DataError that reading it gave."""
    try:
        # NaN and Infinity, which are no JSON, are constants
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=lambda _: None, parse_float=_number
        )
        if isinstance(value, dict):
            value = _object([(clean_name(name), one) for name, one in value.items()])
        return value
    except DataError as error:
        return DataError("{place}: {error}", place=place, error=error.message, hint=error.hint)
    except (ValueError, RecursionError) as error:
        reason = str(error)
        if isinstance(error, json.JSONDecodeError):
            reason = f"{error.msg}, column {error.colno}"
        return DataError(
            "{place} is not JSON: {reason}", place=place, reason=reason, hint="is the file whole?"
        )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises DataError if two of its fields have one name."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = repeated(name for name, _ in pairs)
        raise DataError("two fields are called {twice}", twice=twice, hint="rename one of them, or delete it")
    return found


def _number(text: str) -> float | None:
    """A number; None for one that is too large to be one."""
    number = float(text)
    return number if math.isfinite(number) else None


def json_at_head(head: bytes) -> str | None:
    """The kind of JSON that a text holds, if any: `JSON lines` or `JSON`.

    Args:
        head: Its beginning, in any encoding.
    """
    encoding = encoding_by_mark(head) or (wide_encoding(head) if b"\0" in head else None) or "latin-1"
    text = head.decode(encoding, "ignore").lstrip(f"{MARK} \t\r\n")
    found = _OBJECT.match(text)
    if found is None:
        return None
    first = LINE_END.split(text, maxsplit=1)[0].rstrip()
    return "JSON lines" if not found[1] and first.endswith("}") else "JSON"


JSONL = Format(
    "jsonl",
    (".jsonl", ".ndjson"),
    named_endings=(".json",),  # in folders such files are often settings
    read=lambda file, _: json_rows(file.lines(), file.name),
    is_journal=True,
    recognize=json_at_head,
)
