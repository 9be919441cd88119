"""What a language model continues, and how its continuation is given back."""

from __future__ import annotations

from dataclasses import dataclass

from textgen.backends.base import Prepared
from textgen.text.reading import Reading


@dataclass(frozen=True)
class Prompt(Prepared):
    """A prompt.

    Attributes:
        reading: What is read of it.
        ids: Its pieces, the start symbol first.
        keywords: What the continuation must contain, as the model writes it.
        typed: The same as it was typed.
        listed: Whether the continuation is one of a list, and stays as it stands there.
    """

    reading: Reading
    ids: list[int]
    keywords: tuple[str, ...]
    typed: tuple[str, ...]
    listed: bool

    def given_back(self, text: str) -> str:
        """A continuation in the prompt's characters."""
        return text if self.listed else self.reading.given_back(text, self.typed)
