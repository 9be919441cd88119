"""The rules by which a text is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from textgen.text.segment import ends_sentence

RUN_ON = 128  # most tokens by which a text overruns its length to finish a sentence

# A refrain or a list says a thing twice or three times on purpose, and single characters come in long runs
# (哈哈哈哈, 000000): so both a number of times and a number of tokens. A unit is a long sentence at most.
LOOP_TIMES = 4
LOOP_TOKENS = 32
LOOP_UNIT = 32


@dataclass(frozen=True)
class Stop:
    """Ends a text at the end symbol, in a loop, or at a number of tokens.

    Attributes:
        eos: The end symbol.
        max_new_tokens: Most tokens, the end symbol included.
        exempt: Tokens that alone make no loop: punctuation.
        inside: Tokens before which no text may be cut: bytes that go on with a character.
        looping: Whether a loop ends a text; not where it is one of a list.
    """

    eos: int
    max_new_tokens: int
    exempt: frozenset[int] = field(default=frozenset(), kw_only=True)
    inside: frozenset[int] = field(default=frozenset(), kw_only=True)
    looping: bool = field(default=True, kw_only=True)

    @property
    def limit(self) -> int:
        """Most tokens ever written."""
        return self.max_new_tokens

    def reason(self, ids: Sequence[int]) -> str | None:
        """The reason for ending here (`stop`, `loop`, `length`), or None."""
        if ids[-1] == self.eos:
            return "stop"
        if self.looping and loops(ids, self.exempt, self.inside):
            return "loop"
        return "length" if len(ids) >= self.limit else None

    def cut(self, ids: Sequence[int], reason: str) -> tuple[int, str]:
        """The number of tokens of a finished text to keep, and the reason then."""
        return len(ids), reason


@dataclass(frozen=True)
class SentenceStop(Stop):
    """Runs on to the end of a sentence, or goes back to the last one.

    Attributes:
        decode: Ids to text.
        prompt: The text before; the sentence that ends may have begun there.
        run_on: Tokens by which a text may overrun its length to finish a sentence.
    """

    decode: Callable[[list[int]], str]
    prompt: str = ""
    run_on: int = RUN_ON

    @property
    def limit(self) -> int:
        return self.max_new_tokens + self.run_on

    def reason(self, ids: Sequence[int]) -> str | None:
        reason = super().reason(ids)
        if reason not in ("stop", "loop") and len(ids) >= self.max_new_tokens and self._complete(ids):
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


def loops(
    ids: Sequence[int], exempt: frozenset[int] = frozenset(), inside: frozenset[int] = frozenset()
) -> bool:
    """Tell whether the last tokens are one unit over and over.

    That is: a unit of at most 32 tokens, not all of them exempt, at least 4 times in a row and over at
    least 32 tokens. A unit of one token needs 32 of them, one of 3 needs 33, one of 8 or more 4 times.

    Args:
        ids: What was written; called after every token, so a look at the last tokens is all it costs
            unless there is a repetition.
        exempt: Tokens that alone make no loop: a row of dashes is a line.
        inside: Tokens that a unit does not begin with: bytes that go on with a character, so that the
            text may end here.
    """
    return any(
        _repeated(ids, unit) and ids[-unit] not in inside and not exempt.issuperset(ids[-unit:])
        for unit in range(1, min(LOOP_UNIT, len(ids) // LOOP_TIMES) + 1)
    )


def relabel(reason: str, ids: Sequence[int], exempt: frozenset[int] = frozenset()) -> str:
    """The finish reason of a hypothesis: `loop` if a beam, which does not stop at loops, cut it in one.

    Args:
        reason: `loop` replaces `length` only.
        ids: The tokens of the hypothesis.
        exempt: See `loops`.
    """
    return "loop" if reason == "length" and loops(ids, exempt) else reason


def _repeated(ids: Sequence[int], unit: int) -> bool:
    """Tell whether the last tokens repeat every `unit` tokens, often and long enough."""
    if ids[-1] != ids[-1 - unit]:
        return False
    span = unit * max(LOOP_TIMES, -(-LOOP_TOKENS // unit))
    return span <= len(ids) and ids[-span:-unit] == ids[len(ids) - span + unit :]
