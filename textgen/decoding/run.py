"""Running the strategy that the options name."""

from __future__ import annotations

from typing import Any

from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan


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
    found: list[list[Hypothesis]] = strategy.searcher(constrained=bool(plan.constraints))(
        model, batch, scoring, plan
    )
    return found
