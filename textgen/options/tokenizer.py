"""The options of training a tokenizer."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from textgen.messages import OptionError, option
from textgen.options.fields import RECIPE, RUN, Count, Seed, Whole, field
from textgen.options.train import RowOptions


class TokenizerTrainOptions(RowOptions):
    """The options of training a tokenizer: a SentencePiece model."""

    kind: Literal["char", "unigram", "bpe"] = field(
        "char", "One token a Chinese character and sub-words of Latin, or tokens of any length.", RECIPE
    )
    vocab_size: Count = field(8185, "Maximum number of tokens; a small text gives fewer.", RECIPE)
    latin_pieces: Whole = field(1200, "Most Latin sub-words, of kind char.", RECIPE)
    min_count: Count = field(1, "Characters that occur less often are written as bytes.", RECIPE)
    max_sentences: Count = field(
        200_000, "Sentences that unigram and bpe draw to learn from, held in memory.", RECIPE
    )
    seed: Seed = field(0, "Seed of that draw.", RUN)

    @model_validator(mode="after")
    def _kind(self) -> Self:
        strange = {"max_sentences", "seed"} if self.kind == "char" else {"latin_pieces"}
        if given := self.model_fields_set & strange:
            raise OptionError(
                "{option} does not apply to {@kind} {kind}", option=option(min(given)), kind=self.kind
            )
        return self
