"""Prompts as a language model continues them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textgen.backends.base import Prepared
from textgen.text.model_input import Reading


@dataclass(frozen=True)
class Prompt(Prepared):
    """A prompt.

    Attributes:
        reading: What is read of it.
        ids: Its tokens, the start symbol first.
        keywords: What the continuation must contain, as the model writes it.
        typed: The same as it was typed.
        listed: The texts of which the continuation is one, as they were typed, by how the model writes them.
    """

    reading: Reading
    ids: list[int]
    keywords: tuple[str, ...]
    typed: tuple[str, ...]
    listed: Mapping[str, str]

    def given_back(self, text: str) -> str:
        """A continuation in the prompt's characters."""
        return self.reading.given_back(text, self.typed, self.listed)
