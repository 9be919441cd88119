"""The search of strategies that write token by token for good, such as greedy search and sampling."""

from __future__ import annotations

from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch, finished, write
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel
from textgen.rng import Draws


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """As many texts a source as the plan has copies, in order; one, if the strategy has no other to find.

    There are fewer where the filters left nothing to go on with. Two may be the same text.
    """
    strategy = plan.options.strategy
    copies = plan.copies if strategy.several else 1
    draws = Draws(batch.keys, copies, plan.first_candidate)
    choose = strategy.chooser()(scoring, draws, plan.options)
    *_, drafts = write(model, batch, scoring, choose, plan.stop, copies=copies, pad=plan.pad)
    return [finished(drafts[at : at + copies]) for at in range(0, len(drafts), copies)]
