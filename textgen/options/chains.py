"""The options of all Markov chains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from textgen.options.base import Options
from textgen.options.fields import CHAIN, Count, Whole, field, pair, rising
from textgen.options.strategies.sampling import MIN_TEMPERATURE

WRONG_ANNEAL = "must be temperatures such as 1.0:0.3 or 1.0:0.3:geometric"


def _fall(value: object) -> object:
    """Read `1.0:0.3`, `1.0:0.3:geometric` or such a list as (first, last, kind)."""
    parts = value.split(":") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) not in (2, 3):
        raise ValueError(WRONG_ANNEAL)
    kind = str(parts[2]).strip() if len(parts) == 3 else "linear"
    try:
        return float(parts[0]), float(parts[1]), kind
    except (TypeError, ValueError):
        raise ValueError(WRONG_ANNEAL) from None


def _falling(fall: tuple[float, float, str]) -> tuple[float, float, str]:
    if fall[0] < fall[1]:
        raise ValueError("must not rise: the higher comes first")
    return fall


Span = Annotated[tuple[Count, Count], pair("-", int, "16 or 12-24"), AfterValidator(rising)]
Temperature = Annotated[float, Field(ge=MIN_TEMPERATURE, le=1e4)]
Fall = Annotated[
    tuple[Temperature, Temperature, Literal["linear", "geometric"]],
    BeforeValidator(_fall),
    AfterValidator(_falling),
]


class ChainOptions(Options):
    """The options of all Markov chains."""

    chains: int | None = field(None, "Chains per row (default: one per text).", CHAIN, ge=1, le=10_000)
    anneal: Fall = field(
        (1.0, 0.3, "linear"),
        "Initial and final temperature of {@method} anneal, such as 1.0:0.3; linear, "
        "or geometric with 1.0:0.3:geometric.",
        CHAIN,
        metavar="FIRST:LAST",
    )
    temperature: float = field(1.0, "Divides the logits of the proposals.", CHAIN, ge=MIN_TEMPERATURE)
    top_k: Whole = field(0, "Propose only the k most probable tokens; 0 is all.", CHAIN)

    @property
    def parallel(self) -> int:
        """Chains of a row."""
        return self.chains or self.num_candidates

    @property
    def rows_at_once(self) -> int:
        """Rows of a batch of chains: few, since they are slow and an interruption loses a batch."""
        return max(1, self.batch_size // self.parallel)

    @property
    def window(self) -> int:
        return self.rows_at_once
