"""A search by the strategy that the options name: its settings, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch, StopRule
from textgen.options import DecodingOptions


@dataclass(frozen=True)
class Plan:
    """The settings that `search(model, batch, scoring, plan)` of every strategy takes; see `Strategy`.

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
    def beam(self) -> BeamSearch:
        """The settings of a beam."""
        options = self.options
        gnmt, early = options.length_norm == "gnmt", options.early_stopping
        length = Length(options.max_new_tokens, options.length_penalty, gnmt, early)
        return BeamSearch(options.beam_width, self.eos, length)


def search(model: Any, batch: Batch, scoring: Any, plan: Plan) -> list[list[Hypothesis]]:
    """Search as the plan's options say; under its constraints, if it has any.

    Args:
        model: Offers the view that the strategy needs.
        batch: The sources.
        scoring: The filters; for two directions at once a pair.
        plan: The settings.

    Returns:
        For every source its texts, best first where they compare, else in the order drawn.

    Raises:
        ValueError: The plan has constraints, and the strategy takes none.
    """
    strategy = plan.options.strategy
    run: Callable[..., list[list[Hypothesis]]] = strategy.searcher(constrained=bool(plan.constraints))
    return run(model, batch, scoring, plan)
