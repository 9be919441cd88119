"""Sampling: every token drawn from the filtered distribution."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Choose
from textgen.options import DecodingOptions
from textgen.rng import uniform


def choose(
    scoring: Scoring,
    keys: Sequence[bytes],
    copies: int,
    first_candidate: int = 0,
    options: DecodingOptions | None = None,
) -> Choose:
    """The choice of the strategy `sample`: a draw by the row's own random numbers.

    Args:
        scoring: Its `drawn` gives the distribution.
        keys: One random-number key a source.
        copies: Rows a source.
        first_candidate: The candidate number of each source's first row.
        options: Not needed: the filters are in the scoring.
    """

    def draw(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
        candidates = [(keys[number // copies], first_candidate + number % copies) for number in numbers]
        uniforms = [uniform(key, candidate, step) for key, candidate in candidates]
        return invert_cdf(scoring.drawn(ids, search), uniforms)

    return draw
