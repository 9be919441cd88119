"""What a check finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textgen.errors import TextgenError
from textgen.messages import Message

OK, NOTE, SKIPPED, BROKEN = "ok", "note", "skipped", "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that a step of a check found.

    Attributes:
        step: What was looked at: `config`, `weights`, `tensors` and so on.
        state: `ok`; `note`, of what a user should know; `skipped`, where a step before is broken; `broken`.
        text: A sentence.
        hint: What to do about it.
        facts: The figures in the sentence, and more.
    """

    step: str
    state: str
    text: Message
    hint: Message | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> Message:
        """Sentence and hint as one line."""
        return Message("{text} ({hint})", text=self.text, hint=self.hint) if self.hint else self.text

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        hint = None if self.hint is None else str(self.hint)
        known = {name: str(value) if isinstance(value, Path) else value for name, value in self.facts.items()}
        return {"step": self.step, "state": self.state, "text": str(self.text), "hint": hint, "facts": known}


def broken(step: str, error: TextgenError) -> Finding:
    """The finding that an error is."""
    line = error.line.values
    text = line["message"] if error.hint else error.line
    return Finding(step, BROKEN, text, error.hint)
