"""Texts of a wanted length: they end inside it, and only where the model might have ended."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from torch import Tensor

from textgen.choice.filters import BANNED

# Where the model would end less often than this, a text is in the middle of a phrase.
LEAST_END = 0.01


@dataclass(frozen=True)
class Within:
    """A filter that lets texts end only with a number of characters, and never grow longer.

    A text that is as long as it may be and that the model would not end there has nowhere to go: it is
    dropped, not cut. So what is found was meant to be that long.

    Attributes:
        lengths: Characters of each token, `(vocab,)`, from `token_lengths`.
        least: Fewest characters.
        most: Most characters.
        eos: The end symbol.
        given: How many columns of `ids` come before what is written.
    """

    lengths: Tensor
    least: int
    most: int
    eos: int
    given: int

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        written = self.lengths[ids[:, self.given :]].sum(-1, keepdim=True)
        # behind a full text spaces would count for nothing, and come for ever
        out = scores.masked_fill((written + self.lengths > self.most) | (written >= self.most), BANNED)
        ends = (written[:, 0] >= self.least) & (scores[:, self.eos] >= log(LEAST_END))
        out[:, self.eos] = scores[:, self.eos].masked_fill(~ends, BANNED)
        return out
