"""The options of training a tokenizer."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from textgen.messages import OptionError, option
from textgen.options.fields import RECIPE, RUN, OptionGroup, field


class TokenizerTrainOptions(OptionGroup):
    """Pieces that texts are cut into: a SentencePiece model."""

    kind: Literal["char", "unigram", "bpe"] = field(
        "char", "One piece a Chinese character and sub-words of Latin, or pieces of any length.", panel=RECIPE
    )
    vocab_size: int = field(8185, "Most pieces; a small text gives fewer.", panel=RECIPE, ge=1)
    latin_pieces: int = field(1200, "Most Latin sub-words, of kind char.", panel=RECIPE, ge=0)
    min_count: int = field(1, "What occurs less often is written as bytes.", panel=RECIPE, ge=1)
    max_sentences: int = field(
        200_000, "Sentences that unigram and bpe draw to learn from, held in memory.", panel=RECIPE, ge=1
    )
    seed: int = field(0, "Of that draw.", panel=RUN, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _kind(self) -> Self:
        strange = {"max_sentences", "seed"} if self.kind == "char" else {"latin_pieces"}
        if given := self.model_fields_set & strange:
            raise OptionError(
                "{option} does not apply to {@kind} {kind}", option=option(min(given)), kind=self.kind
            )
        return self
