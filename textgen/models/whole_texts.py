"""Log-probabilities of whole texts by any language model, which reads each of them anew."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.models.batching import same_size_batches
from textgen.models.layers.attention import padded_length
from textgen.models.padding import read_together
from textgen.models.views import Ids, LanguageModel, Scored

NUMBERS = 2**25  # logits computed together: those of large vocabularies are what takes the memory


class WholeTexts:
    """A `SequenceModel`: log-probability of a text and of its end; it remembers nothing.

    Args:
        network: The model.
        before: Ids that stand before every text, at least one.
        ends: Ids that end it; their probabilities are added.
        allowed: `(vocab,)`, true for the ids to which the model is restricted, the ends among them.
    """

    def __init__(self, network: LanguageModel, before: Ids, ends: Sequence[int], allowed: Tensor) -> None:
        self.network = network
        self.before = tuple(before)
        self.ends = torch.tensor(sorted(ends))
        self.allowed = allowed

    @property
    def longest(self) -> int:
        """Most tokens of a text."""
        return self.network.positions - len(self.before)

    def score(
        self, texts: Sequence[Ids], parents: Sequence[Scored | None], *, remember: bool = True
    ) -> list[Scored]:
        """Score whole texts; see `SequenceModel`. Nothing is known of parents, nor remembered."""
        rows = [(*self.before, *text) for text in texts]
        found = [Scored(0.0)] * len(rows)

        def width(number: int) -> int:
            return padded_length(len(rows[number]))

        def most(size: int) -> int:
            return max(1, NUMBERS // (size * self.network.vocab_size))

        for numbers in same_size_batches(range(len(rows)), width, most):
            together = self._read_whole([rows[number] for number in numbers])
            for number, logprobs in zip(numbers, together, strict=True):
                found[number] = Scored(sum(logprobs), logprobs=tuple(logprobs))
        return found

    def _read_whole(self, rows: Sequence[Ids]) -> list[list[float]]:
        """Log-probabilities of the tokens and ends of rows of one padded length, behind what is before."""
        ids, _ = read_together(rows)
        logits = self.network.extend(self.network.start([[]] * len(rows)), ids).float()
        logprobs = logits.masked_fill(~self.allowed, -torch.inf).log_softmax(-1)
        # the last place before the text's first token is what it is predicted from
        first = len(self.before)
        found = []
        for row, own in zip(rows, logprobs, strict=True):
            tokens = torch.tensor(row[first:], dtype=torch.long)
            of_text = own[first - 1 : len(row) - 1].gather(1, tokens[:, None])[:, 0]
            found.append([*of_text.tolist(), float(own[len(row) - 1, self.ends].logsumexp(-1))])
        return found
