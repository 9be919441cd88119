"""When a text is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textgen.text.segment import ends_sentence

RUN_ON = 128  # pieces by which a text may overrun its length to finish a sentence


@dataclass(frozen=True)
class Stop:
    """Ends a text at the end symbol or at a number of pieces.

    Attributes:
        eos: The end symbol.
        max_new_tokens: Most pieces, the end symbol included.
    """

    eos: int
    max_new_tokens: int

    @property
    def limit(self) -> int:
        """Most pieces ever written."""
        return self.max_new_tokens

    def reason(self, ids: Sequence[int]) -> str | None:
        """Why the text ends here (`stop`, `length`), or None if it goes on."""
        if ids[-1] == self.eos:
            return "stop"
        return "length" if len(ids) >= self.limit else None

    def cut(self, ids: Sequence[int], reason: str) -> tuple[int, str]:
        """How many of the pieces of a finished text to keep, and the reason then."""
        return len(ids), reason


@dataclass(frozen=True)
class SentenceStop(Stop):
    """Runs on to the end of a sentence, or goes back to the last one.

    Attributes:
        decode: Ids to text.
        prompt: The text before; the sentence that ends may have begun there.
    """

    decode: Callable[[list[int]], str]
    prompt: str = ""

    @property
    def limit(self) -> int:
        return self.max_new_tokens + RUN_ON

    def reason(self, ids: Sequence[int]) -> str | None:
        reason = super().reason(ids)
        if reason != "stop" and len(ids) >= self.max_new_tokens and self._complete(ids):
            return "sentence"
        return reason

    def cut(self, ids: Sequence[int], reason: str) -> tuple[int, str]:
        if reason == "length":
            for kept in range(min(len(ids), self.max_new_tokens), 0, -1):
                if self._complete(ids[:kept]):
                    return kept, "sentence"
        return len(ids), reason

    def _complete(self, ids: Sequence[int]) -> bool:
        return ends_sentence(self.prompt + self.decode(list(ids)))
