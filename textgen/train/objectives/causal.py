"""Causal language modelling: every token but the first is predicted from those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from torch import Tensor

from textgen.models.families.gpt2 import Gpt2
from textgen.models.padding import padded
from textgen.tokenizers.base import Specials
from textgen.train.data.noise import random_for
from textgen.train.data.replacement import replaced
from textgen.train.objectives.loss import NO_TARGET, Prediction


@dataclass(frozen=True)
class CausalBatch:
    """A batch for next-token prediction.

    Attributes:
        inputs: `(rows, steps)`, what the network is fed.
        targets: `(rows, steps)`, the next token, -1 behind the end.
    """

    inputs: Tensor
    targets: Tensor

    @property
    def places(self) -> int:
        """The number of predictions."""
        return int((self.targets != NO_TARGET).sum())


class CausalBatches:
    """Makes batches for next-token prediction.

    Args:
        specials: Of the rows' tokenizer.
        share: The share of a text's tokens that are fed as others of the same text (random replacement).
        seed: Of the run.
    """

    def __init__(self, specials: Specials, share: float, seed: int) -> None:
        self.specials, self.share, self.seed = specials, share, seed

    def batch(self, rows: Sequence[list[int]], examples: Sequence[int], epoch: int | None) -> CausalBatch:
        """Rows as they are fed for these examples in an epoch; None is the dev file's, fed as they are."""
        fed = rows
        if self.share and epoch is not None:
            given = zip(rows, examples, strict=True)
            fed = [self._replaced(row, epoch, example) for row, example in given]
        inputs = padded([row[:-1] for row in fed], filler=self.specials.pad)
        return CausalBatch(inputs, padded([row[1:] for row in rows], filler=NO_TARGET))

    def _replaced(self, row: list[int], epoch: int, example: int) -> list[int]:
        noise = random_for(self.seed, "replace", epoch, example)
        fed: list[int] = []
        for frame, text in groupby(row, key=(self.specials.bos, self.specials.eos).__contains__):
            tokens = list(text)
            # every document of a window for itself: the tokens of another are no likely mistakes
            fed += tokens if frame else replaced(tokens, tokens, self.share, noise)
        return fed


def causal_prediction(network: Gpt2, batch: CausalBatch) -> Prediction:
    """The prediction of every token but the first."""
    known = batch.targets != NO_TARGET
    return Prediction(network(batch.inputs)[known], batch.targets[known])
