"""Greedy search: the most probable token at every step."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Choose
from textgen.options import DecodingOptions


def choose(
    scoring: Scoring,
    keys: Sequence[bytes],
    copies: int,
    first_candidate: int = 0,
    options: DecodingOptions | None = None,
) -> Choose:
    """The choice of the strategy `greedy`, which needs nothing but the scores."""
    return best


def best(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
    """The most probable token of every row; of equals the first."""
    return search.argmax(-1)
