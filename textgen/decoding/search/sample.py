"""Sampling: every next piece is drawn from the filtered distribution."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch, Choose, finished, write
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel
from textgen.rng import uniform


def choose(scoring: Scoring, keys: Sequence[bytes], copies: int, first_candidate: int = 0) -> Choose:
    """A draw by the row's own random numbers.

    Args:
        scoring: Its `drawn` gives the distribution.
        keys: One random-number key a source.
        copies: Rows a source.
        first_candidate: The candidate number of each source's first row.
    """

    def draw(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
        candidates = [(keys[number // copies], first_candidate + number % copies) for number in numbers]
        uniforms = [uniform(key, candidate, step) for key, candidate in candidates]
        return invert_cdf(scoring.drawn(ids, search), uniforms)

    return draw


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """As many texts a source as the plan has copies, in the order drawn; they may be alike.

    There are fewer where the filters left nothing to go on with.
    """
    draw = choose(scoring, batch.keys, plan.copies, plan.first_candidate)
    *_, drafts = write(model, batch, scoring, draw, plan.stop, copies=plan.copies, pad=plan.pad)
    return [finished(drafts[at : at + plan.copies]) for at in range(0, len(drafts), plan.copies)]
