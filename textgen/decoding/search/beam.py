"""Beam search over a batch of sources, with a pool of finished hypotheses."""

from __future__ import annotations

from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch, explore
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel


def beam_search(
    model: NextTokenModel, batch: Batch, scoring: Scoring, search: BeamSearch, *, pad: int = 0
) -> list[list[Hypothesis]]:
    """Search the best texts after every source.

    Args:
        model: What offers next-token logits.
        batch: The sources.
        scoring: The filters; no step may add a positive score.
        search: The settings.
        pad: Fills the shorter histories on the left.

    Returns:
        For each source its hypotheses, best first: the finished, then unfinished ones cut at the limit.
    """
    pools = explore(model, batch, scoring, search, lambda beam, *scores: [beam.pick(0, *scores)], pad=pad)
    return [pool.kept for (pool,) in pools]


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """The strategy `beam` of texts without keywords."""
    return beam_search(model, batch, scoring, plan.beam, pad=plan.pad)
