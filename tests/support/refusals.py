"""What a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from textgen.errors import ModelError, TextgenError, UsageError
from textgen.options import Options, parse
from textgen.store.catalog import find_model


def refusal(action: Callable[[], object]) -> TextgenError:
    with pytest.raises(TextgenError) as caught:
        action()
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def refused(result: tuple[int, str, str], code: int, *words: str) -> None:
    """A command line is refused: one clear line with a hint, nothing on stdout, the right exit code."""
    assert (result[0], result[1]) == (code, ""), result
    lines = result[2].splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert lines[0].endswith(")"), "no hint"
    assert "Traceback" not in result[2]
    for word in words:
        assert word in lines[0]


def refused_options(kind: type[Options], given: dict[str, Any], begin: str) -> None:
    """Options are refused in one line, with a hint, by a message that begins so."""
    with pytest.raises(UsageError) as caught:
        parse(kind, given, user="bert models")
    error = caught.value
    assert error.message.startswith(begin)
    assert error.exit_code == 2
    assert error.hint
    for line in (error.message, error.hint):
        assert len(line.splitlines()) == 1
        assert "pydantic" not in line
    assert error.__cause__ is None
    assert error.__suppress_context__


def no_model(name: str, kind: type[TextgenError]) -> TextgenError:
    """No model has that name: a line, a hint and the right exit code."""
    with pytest.raises(TextgenError) as caught:
        find_model(name)
    error = caught.value
    assert type(error) is kind
    assert "\n" not in error.message
    assert error.hint
    assert "\n" not in error.hint
    assert error.exit_code == {UsageError: 2, ModelError: 1}[kind]
    return error
