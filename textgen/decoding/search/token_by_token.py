"""The search of strategies that write token by token for good, and how greedy search and sampling choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch, Choose, Draft, finished, write
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel
from textgen.options import DecodingOptions
from textgen.rng import Draws


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """Write as many texts a source as the plan has copies, in order; one, if the strategy finds no other.

    There are fewer where the filters left nothing to go on with. Two may be the same text.
    """
    copies = plan.copies if plan.options.strategy.several else 1
    *_, last = drafts(model, batch, scoring, replace(plan, copies=copies))
    return [finished(last[at : at + copies]) for at in range(0, len(last), copies)]


def drafts(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> Iterator[list[Draft]]:
    """Yield the texts after every token, as many a source as the plan has copies; see `loop.write`."""
    draws = Draws(batch.keys, plan.copies, plan.first_candidate)
    choose = plan.options.strategy.chooser()(scoring, draws, plan.options)
    return write(model, batch, scoring, choose, plan.stop, copies=plan.copies, pad=plan.pad)


def greedy(scoring: Scoring, draws: Draws, options: DecodingOptions | None = None) -> Choose:
    """The choice of the strategy `greedy`, which needs nothing but the scores."""
    return best


def best(ids: Tensor, search: Tensor, numbers: Sequence[int], step: int) -> Tensor:
    """The most probable token of every row; of equals the first."""
    return search.argmax(-1)


def sample(scoring: Scoring, draws: Draws, options: DecodingOptions | None = None) -> Choose:
    """The choice of the strategy `sample`: a draw from `scoring.drawn` by the row's own random numbers."""
    return lambda ids, search, numbers, step: invert_cdf(
        scoring.drawn(ids, search), draws.uniforms(numbers, step)
    )
