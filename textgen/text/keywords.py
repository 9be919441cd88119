"""Keywords that a text must hold: how they are given, and whether they are there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress

from textgen.errors import DataError

_SEPARATORS = re.compile("[，,、；;|\t\r\n]")


def keywords_of(value: object) -> tuple[str, ...]:
    """Read the keywords field of a row.

    Args:
        value: A list of strings, or one string of keywords separated by any of ，,、；;| or a tab or a
            line end; None stands for none. A blank separates nothing: a keyword may hold one. A string may
            also be a JSON list.

    Returns:
        The keywords in their order, without white space at their ends, empty ones and repetitions.

    Raises:
        DataError: It is neither, or the list holds something else than text.
    """
    if value is None:
        return ()
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError):  # a cell of a table may hold a JSON list
            value = json.loads(value)
    parts = _SEPARATORS.split(value) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise DataError(
            f"keywords must be text, not {type(value).__name__}",
            hint="a list of strings, or one string such as 广州,地铁",
        )
    if wrong := [part for part in parts if not isinstance(part, str)]:
        raise DataError(
            f"a keyword must be text, not {type(wrong[0]).__name__}", hint="put quotes around each keyword"
        )
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def essential(keywords: Sequence[str], *, ordered: bool = False) -> list[str]:
    """Leave out the keywords that a text with the others holds anyway.

    Those are repetitions and keywords within another one, as 广州 is within 广州市; where the order
    counts, only those within the one before or behind them.

    Args:
        keywords: The keywords.
        ordered: Whether their order counts.
    """
    kept = list(dict.fromkeys(keyword for keyword in keywords if keyword))
    if not ordered:
        return [one for one in kept if not any(one != other and one in other for other in kept)]
    stack: list[str] = []
    for keyword in kept:
        while stack and stack[-1] in keyword:
            stack.pop()
        if not stack or keyword not in stack[-1]:
            stack.append(keyword)
    return stack


def missing(text: str, keywords: Sequence[str], *, ordered: bool = False) -> list[str]:
    """List the keywords that a text lacks; none if it holds all of them.

    Args:
        text: The final text.
        keywords: What it must hold, letter for letter. Keywords may overlap, and one occurrence counts
            for all keywords within it.
        ordered: Each must also begin (and so end) behind the one before; a keyword within its neighbour
            is exempt. Other occurrences out of order do no harm.

    Returns:
        The missing ones in their order; where the order counts, those not found behind the ones before.
    """
    if not ordered:
        return [keyword for keyword in keywords if keyword not in text]
    lacking = []
    at = 0
    for keyword in essential(keywords, ordered=True):
        found = text.find(keyword, at)
        if found < 0:
            lacking.append(keyword)
        else:
            at = found + 1
    return lacking
