"""The settings of a search: the options, and what the task knows besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import StopRule
from textgen.options import DecodingOptions


@dataclass(frozen=True)
class Plan:
    """What every strategy's `search(model, batch, scoring, plan)` is given; see `Strategy`.

    Attributes:
        options: Validated.
        eos: The end symbol.
        pad: Fills the shorter histories.
        stop: When a text ends that is written token by token; its row is `source * copies + copy`.
        copies: How many texts to draw for each source.
        first_candidate: The number of the first of them, which its random numbers depend on.
        constraints: The keywords of each source; empty where there are none.
    """

    options: DecodingOptions
    eos: int
    pad: int
    stop: StopRule
    copies: int = 1
    first_candidate: int = 0
    constraints: Sequence[Constraint] = ()

    @property
    def length(self) -> Length:
        """How a beam scores lengths."""
        options = self.options
        return Length(options.max_new_tokens, options.length_penalty, options.length_norm == "gnmt")
