"""Greedy search: the most probable token at every step."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Choose
from textgen.options import DecodingOptions
from textgen.rng import Draws


def choose(scoring: Scoring, draws: Draws, options: DecodingOptions | None = None) -> Choose:
    """The choice of the strategy `greedy`, which needs nothing but the scores."""
    return best


def best(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
    """The most probable token of every row; of equals the first."""
    return search.argmax(-1)
