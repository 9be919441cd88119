"""Masked language modelling: hidden tokens are predicted from both sides.

Devlin et al. 2019, https://arxiv.org/abs/1810.04805. Of what is asked for, 80 % is hidden by the mask, 10 %
by another token, and 10 % is left as it is; how much is asked for differs from passage to passage, since
what samples from such a model hides one token of a text, or nearly all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.models.families.bert import Bert
from textgen.models.layers.attention import padded_length
from textgen.models.padding import padded
from textgen.tokenizers.base import Tokenizer
from textgen.train.data.noise import random_for
from textgen.train.objectives.loss import Prediction

MASKED, SWAPPED = 0.8, 0.1


@dataclass(frozen=True)
class MaskedBatch:
    """A batch of passages with hidden tokens.

    Attributes:
        ids: `(rows, length)`, as the network sees them, padded.
        lengths: `(rows,)`.
        asked: `(rows, length)`, true where the token is to be predicted.
        targets: `(places,)`, what was there.
    """

    ids: Tensor
    lengths: Tensor
    asked: Tensor
    targets: Tensor


class Masking:
    """Hides tokens.

    Args:
        tokenizer: Of the passages.
        rate: Least and most of a passage's tokens that are to be predicted.
        seed: Of the run.
    """

    def __init__(self, tokenizer: Tokenizer, rate: tuple[float, float], seed: int) -> None:
        self.specials, self.rate, self.seed = tokenizer.specials, rate, seed
        tokens, byte_ids = tokenizer.vocabulary.pieces, tokenizer.vocabulary.byte_ids
        self._ordinary = [i for i, token in enumerate(tokens) if token and i not in byte_ids]

    def batch(self, passages: Sequence[list[int]], examples: Sequence[int], epoch: int | None) -> MaskedBatch:
        """Hide tokens of passages, as drawn for these examples in an epoch; None is that of the dev file."""
        given = zip(passages, examples, strict=True)
        rows = [self._hidden(passage, epoch, example) for passage, example in given]
        width = padded_length(max(len(ids) for ids, _, _ in rows))
        asked = torch.zeros(len(rows), width, dtype=torch.bool)
        for row, (_, places, _) in enumerate(rows):
            asked[row, places] = True
        return MaskedBatch(
            padded([ids for ids, _, _ in rows], width, filler=self.specials.pad),
            torch.tensor([len(ids) for ids, _, _ in rows]),
            asked,
            torch.tensor([target for _, _, targets in rows for target in targets]),
        )

    def _hidden(
        self, passage: list[int], epoch: int | None, example: int
    ) -> tuple[list[int], list[int], list[int]]:
        """A passage in its frame with tokens hidden, the places in question, and what was there."""
        specials = self.specials
        noise = random_for(self.seed, "mask", 0 if epoch is None else epoch + 1, example)
        count = max(1, round(noise.uniform(*self.rate) * len(passage)))
        places = sorted(noise.permutation(len(passage))[:count].tolist())
        ids = [specials.cls, *passage, specials.sep]
        for place, fate in zip(places, noise.random(count).tolist(), strict=True):
            if fate < MASKED:
                ids[place + 1] = specials.mask
            elif fate < MASKED + SWAPPED:
                ids[place + 1] = self._ordinary[noise.integers(len(self._ordinary))]
        return ids, [place + 1 for place in places], [passage[place] for place in places]


def masked_prediction(network: Bert, batch: MaskedBatch) -> Prediction:
    """The prediction of the hidden tokens."""
    states = network.encode(batch.ids, batch.lengths)
    return Prediction(network.logits(states[batch.asked]), batch.targets)
