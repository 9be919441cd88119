"""From a model's raw logits to the scores that rank and the probabilities that are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.choice.filters import Filter


@dataclass(frozen=True)
class Scoring:
    """The fixed order in which a step's logits are filtered.

    Attributes:
        allowed: `(vocab,)`, true for the ids of the task. The model is restricted to them: what is left
            is renormalised.
        task: Filters that belong to that restriction, such as whole characters.
        soft: Filters of raw logits; their log-softmax is the search score, which ranks.
        hard: Filters that ban without renormalising.
        draw: Filters that apply only when sampling.
    """

    allowed: Tensor
    task: Sequence[Filter] = ()
    soft: Sequence[Filter] = ()
    hard: Sequence[Filter] = ()
    draw: Sequence[Filter] = ()

    def __call__(self, ids: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Score the next token of every row.

        Args:
            ids: `(rows, length)`, what each row holds so far.
            logits: `(rows, vocab)`, raw.

        Returns:
            Log-probabilities under the restricted model, and the search scores, both `(rows, vocab)`
            float32. Banned ids are -inf; a row may have none left (`stuck`).
        """
        logits = logits.float().masked_fill(~self.allowed, -torch.inf)
        logits = _through(self.task, ids, logits)
        logprobs = _log_softmax(logits)
        search = _log_softmax(_through(self.soft, ids, logits)) if self.soft else logprobs
        return logprobs, _through(self.hard, ids, search)

    def drawn(self, ids: Tensor, search: Tensor) -> Tensor:
        """Probabilities `(rows, vocab)` to draw from, float32; all 0 in a row that has no id left."""
        kept = _through(self.draw, ids, search)
        return _where_stuck(kept, kept.softmax(-1), 0.0)


# (ids (rows, length), logits (rows, vocab)) -> log-probabilities and search scores, both (rows, vocab)
Score = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class LaneScoring:
    """The filters of texts that are written in several directions side by side.

    Attributes:
        lanes: The filters of each direction; the rows of a source are those of the first, then the next.
        width: Rows of a direction.
    """

    lanes: Sequence[Scoring]
    width: int

    def __call__(self, ids: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Score the next token of every row; see `Scoring`."""
        rows = torch.arange(len(logits)).view(-1, len(self.lanes), self.width)
        logprobs, scores = torch.empty(logits.shape), torch.empty(logits.shape)
        for lane, scoring in enumerate(self.lanes):
            own = rows[:, lane].reshape(-1)
            logprobs[own], scores[own] = scoring(ids[own], logits[own])
        return logprobs, scores


def stuck(scores: Tensor) -> Tensor:
    """`(rows,)`, true where the filters leave no token to write next."""
    return scores.amax(-1) == -torch.inf


def _log_softmax(scores: Tensor) -> Tensor:
    return _where_stuck(scores, scores.log_softmax(-1), -torch.inf)


def _where_stuck(scores: Tensor, found: Tensor, value: float) -> Tensor:
    """What was found, with a value in rows without any id: NaN, as there was divided by a sum of nothing."""
    over = stuck(scores)
    return found.masked_fill_(over[:, None], value) if bool(over.any()) else found


def _through(filters: Sequence[Filter], ids: Tensor, scores: Tensor) -> Tensor:
    for apply in filters:
        scores = apply(ids, scores)
    return scores
