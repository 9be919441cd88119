"""What every strategy's `search` is told besides the model, the batch and the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import StopRule
from textgen.options import DecodingOptions

if TYPE_CHECKING:
    from textgen.decoding.search.constrained import Constraint


@dataclass(frozen=True)
class Plan:
    """The options and the task's own facts.

    A strategy's function is `search(model, batch, scoring, plan) -> list[list[Hypothesis]]`: for every
    source of the batch its texts, best first where they compare, else in the order drawn.

    Attributes:
        options: Validated.
        eos: The end symbol.
        pad: Fills the shorter histories.
        stop: When a text ends that is written piece by piece; its row is `source * copies + copy`.
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
