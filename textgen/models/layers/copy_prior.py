"""The copy prior: title characters mostly occur in the article.

苏剑林, 玩转Keras之seq2seq自动生成标题, https://kexue.fm/archives/5861.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LAST_SPECIAL = 8  # ids up to this one are never counted as copied


class CopyPrior(nn.Module):
    """A learned shift of the logits towards the tokens of the source.

    With chi_v = 1 iff token v occurs in the source as it was fed in, the logits y become
    `(y + exp(a) * chi + t) / 2`: the mean of two votes, then one softmax. A model trained with the prior
    must not be decoded without it.
    """

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(vocab_size))
        self.t = nn.Parameter(torch.zeros(vocab_size))

    def vote(self, sources: Sequence[Sequence[int]]) -> Tensor:
        """The vote of the prior on each token, `(sources, vocab)`: exp(a) * chi + t."""
        chi = torch.zeros(len(sources), len(self.a))
        for row, source in enumerate(sources):
            chi[row, torch.tensor([i for i in source if i > LAST_SPECIAL], dtype=torch.long)] = 1
        return self.a.exp() * chi + self.t

    @staticmethod
    def apply_vote(logits: Tensor, vote: Tensor) -> Tensor:
        """The mean of the model's logits and the prior's vote, both `(…, vocab)`."""
        return (logits + vote) / 2
