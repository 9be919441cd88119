"""How one piece is picked from a row of scores."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.decoding.loop import Choose
from textgen.decoding.sampling import invert_cdf
from textgen.decoding.scoring import Scoring
from textgen.rng import uniform


def greedy() -> Choose:
    """Always the best."""

    def choose(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
        return search.argmax(-1)

    return choose


def sample(scoring: Scoring, keys: Sequence[bytes], copies: int, first_candidate: int = 0) -> Choose:
    """A draw from the filtered distribution, by the row's own random numbers.

    Args:
        scoring: Its `drawn` gives the distribution.
        keys: One random-number key a source.
        copies: Rows a source.
        first_candidate: The candidate number of each source's first row.
    """

    def choose(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
        candidates = [(keys[number // copies], first_candidate + number % copies) for number in numbers]
        uniforms = [uniform(key, candidate, step) for key, candidate in candidates]
        return invert_cdf(scoring.drawn(ids, search), uniforms)

    return choose
