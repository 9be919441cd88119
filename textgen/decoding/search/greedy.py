"""Greedy search: always the best next piece."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch, finished, write
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel


def choose(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
    """The best piece of every row; of equals the first."""
    return search.argmax(-1)


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """One text a source; none where the filters left nothing to write."""
    *_, drafts = write(model, batch, scoring, choose, plan.stop, pad=plan.pad)
    return [finished([draft]) for draft in drafts]
