"""Diverse beam search: groups of beams that keep away from each other's tokens.

Vijayakumar et al. 2016, "Diverse Beam Search", https://arxiv.org/abs/1610.02424, with the Hamming diversity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch, Hypotheses, Picked, explore
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel
from textgen.options.fields import own
from textgen.options.strategies.diverse import DiverseOptions


@dataclass(frozen=True)
class DiverseBeamSearch:
    """The settings of a diverse beam search.

    The groups of a source move in turn at every step. Each is a beam of `width / groups` with a pool of its
    own; from its search scores is taken, for every token, `diversity` times the number of hypotheses of
    earlier groups that have just gone on with that token. The end symbol is exempt: groups should differ in
    what they say, not in where they end.

    Attributes:
        width: Hypotheses of all groups together.
        groups: How many groups; divides the width.
        eos: The end symbol.
        length: Most tokens, and how length enters the ranking score.
        diversity: What a token costs for each hypothesis that chose it, in nats; not negative, since a
            bonus would break the stopping bound.

    Raises:
        ValueError: The groups do not divide the width, or the diversity is negative.
    """

    width: int
    groups: int
    eos: int
    length: Length
    diversity: float

    def __post_init__(self) -> None:
        if self.groups < 1 or self.width < 1 or self.width % self.groups:
            raise ValueError(f"{self.groups} groups do not divide a width of {self.width}")
        if not self.diversity >= 0:
            raise ValueError(f"a diversity of {self.diversity} would add to scores")


def diverse_beam_search(
    model: NextTokenModel, batch: Batch, scoring: Scoring, search: DiverseBeamSearch, *, pad: int = 0
) -> list[list[Hypothesis]]:
    """Search good texts after every source that differ from each other.

    Args:
        model: What offers next-token logits; asked once a step for all groups of all sources.
        batch: The sources.
        scoring: The filters; no step may add a positive score.
        search: The settings.
        pad: Fills the shorter histories on the left.

    Returns:
        For each source the hypotheses of all its groups, best first: the finished, then unfinished ones cut
        at the limit. `total` and `score` are without the diversity penalty, which counts only inside the
        search; `lane` is the group, from 0. Two groups may find the same text.
    """

    def pick(hypotheses: Hypotheses, logprobs: Tensor, scores: Tensor) -> list[Picked]:
        # what a token costs the later groups, `(sources, vocab)`
        penalty = torch.zeros(len(hypotheses.pools), scores.shape[-1])
        picked: list[Picked] = []
        for group in range(search.groups):
            picked.append(hypotheses.pick(group, logprobs, scores, penalty if group else None))
            # only hypotheses that go on are counted, so the end symbol never is
            costs = torch.where(picked[-1].ranks > -torch.inf, search.diversity, 0.0)
            penalty.scatter_add_(1, picked[-1].tokens, costs)
        return picked

    beam = BeamSearch(search.width // search.groups, search.eos, search.length)
    pools = explore(model, batch, scoring, beam, pick, beams=search.groups, pad=pad)
    return [_ranked([one for pool in groups for one in pool.kept], search.length) for groups in pools]


def _ranked(found: list[Hypothesis], length: Length) -> list[Hypothesis]:
    """Scored without the penalty, best first; of equals the earlier group's."""
    scored = [replace(one, score=length.score(one.total, len(one.ids))) for one in found]
    return sorted(scored, key=lambda one: (one.reason != "stop", -one.score))


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """The strategy `diverse`."""
    options, brought = plan.options, own(plan.options, DiverseOptions)
    groups = brought.groups or options.beam_width
    settings = DiverseBeamSearch(
        options.beam_width, groups, plan.eos, plan.beam.length, brought.diversity_penalty
    )
    return diverse_beam_search(model, batch, scoring, settings, pad=plan.pad)
