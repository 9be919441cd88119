"""Titles by a BiLSTM with attention, self-modulated layer norm and the copy prior: small enough for a CPU.

苏剑林, 玩转Keras之seq2seq自动生成标题, https://kexue.fm/archives/5861. It writes in both directions, as the
other title models do: its first token says which. Reading costs it most, so an article is learned in one
direction an epoch, which is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from torch import Tensor

from textgen.models.families import RNN_TITLE
from textgen.models.families.rnn_title import RnnTitle, RnnTitleConfig
from textgen.models.initialization import padded_vocabulary
from textgen.options.train_titles import RnnTitleTrainOptions
from textgen.train.data.noise import random_for
from textgen.train.recipes.initial_model import ScratchRecipe
from textgen.train.recipes.pairs import PairRecipe, Pairs


class RnnTitleRecipe(ScratchRecipe[RnnTitleTrainOptions, Pairs], PairRecipe[RnnTitleTrainOptions]):
    """The network of the first article."""

    name: ClassVar = RNN_TITLE.name
    family: ClassVar = RNN_TITLE

    @property
    def source_length(self) -> int:
        return int(self.config(None).get("source_length", self.options.source_length))

    def ways(self, epoch: int | None, example: int) -> Sequence[int]:
        if epoch is None:
            return (example % 2,)
        return (int(random_for(self.options.seed, "way", epoch, example).integers(2)),)

    def logits(self, network: RnnTitle, batch: Pairs) -> Tensor:
        found: Tensor = network(batch.sources, batch.inputs[:, 0])[:, None]
        return found

    def new_config(self) -> dict[str, Any]:
        options = self.options
        config = RnnTitleConfig(
            vocab_size=padded_vocabulary(len(self.tokenizer.vocabulary)),
            hidden_size=options.width,
            source_length=options.source_length,
            prior=options.prior,
        )
        return {"model_type": self.name, **asdict(config)}
