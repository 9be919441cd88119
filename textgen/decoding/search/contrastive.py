"""Contrastive search: probable tokens after which the text does not look like what it was before.

Su et al. 2022, "A Contrastive Framework for Neural Text Generation", https://arxiv.org/abs/2202.06417.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch, Draft, StopRule, extend, finished
from textgen.decoding.plan import Plan
from textgen.models.layers.attention import padded_length
from textgen.models.views import HiddenModel
from textgen.options.fields import own
from textgen.options.strategies.contrastive import ContrastiveOptions
from textgen.options.strategies.sampling import CONTRASTIVE_TOP_K


@dataclass(frozen=True)
class ContrastiveSearch:
    """The settings of a contrastive search.

    Of the `top_k` most probable tokens v the next is the one with the largest
    `(1 - alpha) * p(v) - alpha * max_j cos(h_v, h_j)`: h_v the last hidden state after v, h_j those after
    all earlier tokens of the text, p the probability by which a search ranks. Deterministic.

    Attributes:
        top_k: Tokens looked at; 1 is greedy search.
        alpha: Weight of the likeness, in [0, 1]; 0 is greedy search.

    Raises:
        ValueError: A setting is out of range.
    """

    top_k: int
    alpha: float

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ValueError(f"{self.top_k} tokens to choose from")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"a weight of {self.alpha} is not in [0, 1]")


@dataclass
class _Context:
    """The hidden states that candidates are compared with.

    Attributes:
        directions: `(sources, length, width)`, the hidden states so far, of length 1.
        bias: `(sources, 1, length)`, 0 on hidden states and -inf on padding.
    """

    directions: Tensor
    bias: Tensor

    @classmethod
    def of(cls, read: Sequence[Tensor], first: Tensor) -> _Context:
        """From the hidden states of what was read, `(length, width)` each, and those after the first token.

        The padding depends only on the padded length that the sources of a batch share, so that the sums
        of products do not depend on the batch.
        """
        lengths = torch.tensor([len(one) for one in read])
        padded = first.new_zeros(len(read), padded_length(int(lengths.max())), first.shape[-1])
        for row, one in zip(padded, read, strict=True):
            row[: len(one)] = one
        bias = first.new_zeros(len(read), 1, padded.shape[1])
        bias.masked_fill_((torch.arange(padded.shape[1]) >= lengths[:, None])[:, None], -torch.inf)
        return cls(_direction(padded), bias).grown(first)

    def grown(self, hidden: Tensor) -> _Context:
        """With another hidden state of each source, `(sources, 1, width)`."""
        return _Context(
            torch.cat([self.directions, _direction(hidden)], 1), functional.pad(self.bias, (0, 1))
        )

    def likeness(self, hidden: Tensor) -> Tensor:
        """The largest cosine of each candidate, `(sources, candidates, width)`, with any state so far."""
        cosines = _direction(hidden) @ self.directions.transpose(1, 2) + self.bias
        return cosines.amax(-1)


def contrastive_search(
    model: HiddenModel,
    batch: Batch,
    scoring: Scoring,
    search: ContrastiveSearch,
    stop: StopRule,
    *,
    pad: int = 0,
) -> list[list[Hypothesis]]:
    """Write one text after every source.

    The candidates of a text are written by copies of its row, side by side; the winner's copy becomes all
    of them, and its hidden state gives the next logits. So the model is asked once a step.

    Args:
        model: What offers hidden states.
        batch: The sources.
        scoring: The filters; what they ban is no candidate.
        search: The settings.
        stop: Says when a text, by its source's number, is finished.
        pad: Fills the shorter histories on the left.

    Returns:
        For each source its text in a list, which is empty where the filters left nothing to write. `score`
        is the mean log-probability of a token under the restricted model.
    """
    k = min(search.top_k, model.vocab_size)
    state, read = model.read(batch.sources)
    hidden = model.hidden(state, torch.tensor(list(batch.first))[:, None])
    context = _Context.of(read, hidden)
    logits = model.head(state, hidden)[:, 0]
    state = state.repeat(k)
    ids = batch.history_tensor(pad)
    drafts = [Draft() for _ in batch.sources]
    totals = [0.0] * len(drafts)  # of the search scores, which are reported, too
    numbers = list(range(len(drafts)))
    while True:
        logprobs, scores = scoring(ids, logits)
        best = scores.topk(k)
        hidden = model.hidden(state, best.indices.view(-1, 1)).view(len(numbers), k, -1)
        winners = _winners(best.values, context.likeness(hidden), search.alpha)[:, None]
        chosen = best.indices.gather(1, winners)
        added = best.values.gather(1, winners)
        # where the filters left nothing, the score of the first is that of all: -inf
        found = logprobs.gather(1, chosen).masked_fill(added == -torch.inf, -torch.inf)
        columns = (column[:, 0].tolist() for column in (chosen, found, added))
        for number, token, logprob, score in zip(numbers, *columns, strict=True):
            extend(drafts[number], number, token, logprob, stop)
            totals[number] += score
        going = torch.tensor([place for place, n in enumerate(numbers) if drafts[n].reason is None])
        if not len(going):
            return [
                [replace(one, total=total) for one in finished([draft])]
                for draft, total in zip(drafts, totals, strict=True)
            ]
        numbers = [numbers[place] for place in going.tolist()]
        state = state.select((going * k + winners[going, 0]).repeat_interleave(k))
        hidden = hidden[going, winners[going, 0]][:, None]
        context = _Context(context.directions[going], context.bias[going]).grown(hidden)
        logits = model.head(state, hidden)[:, 0]
        ids = torch.cat([ids[going], chosen[going]], 1)


def _winners(scores: Tensor, likeness: Tensor, alpha: float) -> Tensor:
    """The best candidate, `(sources,)`; both arguments `(sources, candidates)`, the scores falling."""
    ranks = (1 - alpha) * scores.exp() - alpha * likeness
    # without this a banned token, of probability 0, could win by being unlike
    return ranks.masked_fill(scores == -torch.inf, -torch.inf).argmax(-1)


def _direction(hidden: Tensor) -> Tensor:
    return functional.normalize(hidden.float(), dim=-1)


def search(model: HiddenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """The strategy `contrastive`."""
    alpha = own(plan.options, ContrastiveOptions).penalty_alpha
    settings = ContrastiveSearch(plan.options.top_k or CONTRASTIVE_TOP_K, alpha)
    return contrastive_search(model, batch, scoring, settings, plan.stop, pad=plan.pad)
