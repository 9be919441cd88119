"""From a model's raw logits to the scores that rank and the probabilities that are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.decoding.filters import Filter
from textgen.errors import TextgenError


@dataclass(frozen=True)
class Scoring:
    """The fixed order in which a step's logits are filtered.

    Attributes:
        allowed: `(vocab,)`, true for the ids of the task. The model is restricted to them: what is left
            is renormalised.
        law: Filters that belong to that restriction, such as whole characters.
        soft: Filters of raw logits; their log-softmax is the search score, which ranks.
        hard: Filters that ban without renormalising.
        draw: Filters that apply only when sampling.
    """

    allowed: Tensor
    law: Sequence[Filter] = ()
    soft: Sequence[Filter] = ()
    hard: Sequence[Filter] = ()
    draw: Sequence[Filter] = ()

    def __call__(self, ids: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Score the next piece of every row.

        Args:
            ids: `(rows, length)`, what each row holds so far.
            logits: `(rows, vocab)`, raw.

        Returns:
            Log-probabilities under the restricted model, and the search scores, both `(rows, vocab)`
            float32. Banned ids are -inf.

        Raises:
            TextgenError: A row has no id left.
        """
        logits = logits.float().masked_fill(~self.allowed, -torch.inf)
        logits = _through(self.law, ids, logits)
        logprobs = logits.log_softmax(-1)
        search = _through(self.soft, ids, logits).log_softmax(-1) if self.soft else logprobs
        search = _through(self.hard, ids, search)
        # a row that was empty before the log-softmax is nan behind it
        if not bool((search > -torch.inf).any(-1).all()):
            raise TextgenError(
                "the filters leave no piece to write next",
                hint="loosen --no-repeat-ngram or --repetition-penalty",
            )
        return logprobs, search

    def drawn(self, ids: Tensor, search: Tensor) -> Tensor:
        """Probabilities `(rows, vocab)` to draw from, float32."""
        return _through(self.draw, ids, search).softmax(-1)


def _through(filters: Sequence[Filter], ids: Tensor, scores: Tensor) -> Tensor:
    for apply in filters:
        scores = apply(ids, scores)
    return scores
