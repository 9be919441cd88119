"""Beam search over a batch of sources, with a pool of finished hypotheses."""

from __future__ import annotations

from torch import Tensor

from textgen.choice.scoring import Score
from textgen.decoding.beams import BeamSearch, Hypotheses, Picked, explore
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel


def beam_search(
    model: NextTokenModel, batch: Batch, scoring: Score, search: BeamSearch, *, pad: int = 0
) -> list[list[Hypothesis]]:
    """Search the best texts after every source.

    Args:
        model: What offers next-token logits.
        batch: The sources, in one direction or in several side by side.
        scoring: The filters; no step may add a positive score.
        search: The settings.
        pad: Fills the shorter histories on the left.

    Returns:
        For each source its hypotheses, direction by direction, best first: the finished, then unfinished ones
        cut at the limit.
    """

    def pick(beams: Hypotheses, *scores: Tensor) -> list[Picked]:
        return [beams.pick(lane, *scores) for lane in range(batch.lanes)]

    found = explore(model, batch, scoring, search, pick, beams=batch.lanes, pad=pad)
    return [[one for pool in pools for one in pool.kept] for pools in found]


def search(model: NextTokenModel, batch: Batch, scoring: Score, plan: Plan) -> list[list[Hypothesis]]:
    """The strategy `beam` of texts without keywords."""
    return beam_search(model, batch, scoring, plan.beam, pad=plan.pad)
