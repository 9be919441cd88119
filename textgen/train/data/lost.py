"""Characters of the rows that the tokenizer of a model of another make has no token for."""

from __future__ import annotations

from textgen.messages import Message
from textgen.tokenizers.base import Tokenizer

ROWS = 1000  # that are looked at
LITTLE = 0.001  # share of characters that is not worth a warning
SHOWN = 20  # characters of the warning


class LostCharacters:
    """Counts the lost characters of the first rows; blanks do not count.

    Args:
        tokenizer: Of the model that is trained.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._rows = self._characters = self._count = 0
        self._found: dict[str, None] = {}

    def see(self, *texts: str) -> None:
        """Look at the texts of a row."""
        if self._tokenizer.lossless or self._rows == ROWS:
            return
        self._rows += 1
        for text in texts:
            lost = [character for character in self._tokenizer.lost(text) if not character.isspace()]
            self._found |= dict.fromkeys(lost)
            self._count += sum(map(text.count, lost))
            self._characters += len(text)

    def warning(self) -> Message | None:
        """A warning, if many were lost."""
        if self._count <= LITTLE * self._characters:
            return None
        shown = "".join([*self._found][:SHOWN]) + ("…" if len(self._found) > SHOWN else "")
        template = "warning: no token for {share} % of the characters of the first {rows} rows: {shown}"
        share = f"{100 * self._count / self._characters:.1f}"
        return Message(template, share=share, rows=self._rows, shown=repr(shown))
