"""Errors that a user can act on: a line, a hint and an exit code."""

from __future__ import annotations

from typing import Any

from textgen.messages import Message


class TextgenError(Exception):
    """A mistake or a failure that the user can act on: one line, and a hint.

    Args:
        message: What is wrong, in one line, naming the offending value; see `textgen.messages.Message` for
            its placeholders.
        hint: What to do about it, in one line; it may have placeholders, too.
        **values: What the placeholders of both stand for.
    """

    exit_code = 1

    def __init__(self, message: str, /, *, hint: str | None = None, **values: Any) -> None:
        self.message = Message(message, **values)
        self.hint = None if hint is None else Message(hint, **values)
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.line)  # as a notebook shows it

    @property
    def line(self) -> Message:
        """Message and hint as one line."""
        words = " ".join(self.message.template.split())
        message = Message(words, **{name: _one_line(value) for name, value in self.message.values.items()})
        return Message("{message} ({hint})", message=message, hint=self.hint) if self.hint else message


class UsageError(TextgenError):
    """The command line or the arguments are wrong; nothing was attempted."""

    exit_code = 2


class DataError(TextgenError):
    """One text cannot be used: unreadable, empty, binary, not encodable.

    Attributes:
        locks: What of the text is locked (`textgen.schema.Lock`), where that was asked for.
    """

    locks: tuple[Any, ...] | None = None


class ModelError(TextgenError):
    """A model's files are missing, broken or do not fit each other."""


def _one_line(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_one_line(one) for one in value]
    return " ".join(value.split()) if isinstance(value, str) and not isinstance(value, Message) else value
