"""The options of every recipe that trains a network."""

from __future__ import annotations

from textgen.options.train import TrainOptions
from textgen.options.train_texts import BertTrainOptions, ConditionalTrainOptions, Gpt2TrainOptions
from textgen.options.train_titles import (
    BidirectionalTrainOptions,
    RnnTitleTrainOptions,
    TitleRankTrainOptions,
    TitleScorerTrainOptions,
    TitleTrainOptions,
)

# recipe to options
OPTIONS: dict[str, type[TrainOptions]] = {
    "gpt2": Gpt2TrainOptions,
    "bert": BertTrainOptions,
    "title": TitleTrainOptions,
    "rnn-title": RnnTitleTrainOptions,
    "conditional": ConditionalTrainOptions,
    "bidirectional": BidirectionalTrainOptions,
    "title-rank": TitleRankTrainOptions,
    "title-scorer": TitleScorerTrainOptions,
}
