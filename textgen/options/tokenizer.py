"""What the recipe of tokenizers takes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from textgen.messages import OptionError, option


class TokenizerTrainOptions(BaseModel):
    """Pieces that texts are cut into: a SentencePiece model."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["char", "unigram", "bpe"] = Field(
        "char", description="One piece a Chinese character and sub-words of Latin, or pieces of any length."
    )
    vocab_size: int = Field(8185, ge=1, description="Most pieces; a small text gives fewer.")
    latin_pieces: int = Field(1200, ge=0, description="Most Latin sub-words, of kind char.")
    min_count: int = Field(1, ge=1, description="What occurs less often is written as bytes.")
    max_sentences: int = Field(
        200_000, ge=1, description="Sentences that unigram and bpe draw to learn from, held in memory."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Of that draw.")

    @model_validator(mode="after")
    def _kind(self) -> Self:
        strange = {"max_sentences", "seed"} if self.kind == "char" else {"latin_pieces"}
        if given := self.model_fields_set & strange:
            raise OptionError(
                "{option} does not apply to {@kind} {kind}", option=option(min(given)), kind=self.kind
            )
        return self
