"""Sampling: every token drawn from the filtered distribution."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Choose
from textgen.options import DecodingOptions
from textgen.rng import Draws


def choose(scoring: Scoring, draws: Draws, options: DecodingOptions | None = None) -> Choose:
    """The choice of the strategy `sample`: a draw from `scoring.drawn` by the row's own random numbers."""

    def draw(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
        return invert_cdf(scoring.drawn(ids, search), draws.uniforms(numbers, step))

    return draw
