"""What the recipes take that learn from texts alone, or from texts with labels."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from textgen.messages import OptionError, option
from textgen.options.train import RANDOM, ReplacingOptions, TrainOptions


def _span(value: object) -> object:
    """Read `0.1-0.4`, or a single share."""
    if isinstance(value, int | float):
        value = (value, value)
    if isinstance(value, str):
        low, dash, high = value.partition("-")
        try:
            value = float(low), float(high if dash else low)
        except ValueError:
            raise ValueError("must be like 0.15 or 0.1-0.4") from None
    found = tuple(value) if isinstance(value, list | tuple) else value
    if isinstance(found, tuple) and not (
        len(found) == 2
        and all(isinstance(share, int | float) for share in found)
        and 0 < found[0] <= found[1] < 1
    ):
        raise ValueError("takes one or two shares between 0 and 1, the smaller first")
    return found


Span = Annotated[tuple[float, float], BeforeValidator(_span)]


class SizedOptions(TrainOptions):
    """What a network takes that can be made from nothing: its sizes."""

    layers: int = Field(6, ge=1, le=128, description="Layers of a fresh network.")
    width: int = Field(512, ge=8, le=16384, description="Its width.")
    heads: int = Field(8, ge=1, le=256, description="Its attention heads.")
    positions: int = Field(512, ge=16, le=65536, description="Most pieces it reads.")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.width % self.heads:
            raise OptionError(f"{{@heads}} {self.heads} does not divide {{@width}} {self.width}")
        if self.start != RANDOM and (
            given := self.model_fields_set & {"layers", "width", "heads", "positions"}
        ):
            raise OptionError(
                "{option} is for fresh weights, not for {@start} {start}",
                option=option(min(given)),
                start=self.start,
            )
        return self


class Gpt2TrainOptions(SizedOptions, ReplacingOptions):
    """A language model from left to right."""

    layers: int = Field(8, ge=1, le=128, description="Layers of a fresh network.")
    positions: int = Field(1024, ge=16, le=65536, description="Most pieces it reads.")
    window: int | None = Field(None, ge=8, description="Pieces of a training window (default all positions).")


class BertTrainOptions(SizedOptions):
    """A masked language model."""

    length: int = Field(256, ge=8, description="Most pieces of a passage.")
    mask_rate: Span = Field((0.1, 0.4), description="Share of a passage's pieces that are asked for.")


class ConditionalTrainOptions(ReplacingOptions):
    """A gpt2 or bert that writes in styles: labels, domains, whatever a field names."""

    start: str = Field("gpt2", description="A gpt2 or bert model to start from.")
    learning_rate: float = Field(1e-4, gt=0, le=1, description="Highest learning rate of AdamW.")
    condition_size: int = Field(128, ge=1, le=4096, description="Width of a style's vector.")
    condition_pace: float = Field(
        10.0, gt=0, le=1000, description="How many times faster the style's own weights learn."
    )
    null_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of the examples whose style is hidden, for {@guidance} and no {@style}.",
    )
    length: int = Field(256, ge=8, description="Most pieces of a text.")
    mask_rate: Span = Field((0.1, 0.6), description="Share of a text's pieces that a bert is asked for.")
