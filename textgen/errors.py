"""What can go wrong for a user, as exceptions that carry a hint and an exit code."""

from __future__ import annotations


class TextgenError(Exception):
    """A mistake or a failure that the user can act on: one line, and a hint.

    Args:
        message: What is wrong, in one line, naming the offending value.
        hint: What to do about it, in one line.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def line(self) -> str:
        """Message and hint as one line."""
        message = " ".join(self.message.split())
        return f"{message} ({self.hint})" if self.hint else message


class UsageError(TextgenError):
    """The command line or the arguments are wrong; nothing was attempted."""

    exit_code = 2


class DataError(TextgenError):
    """One text cannot be used: unreadable, empty, binary, not encodable."""


class ModelError(TextgenError):
    """A model's files are missing, broken or do not fit each other."""
