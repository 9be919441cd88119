"""The options of recipes that learn from texts alone, or from texts with labels."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from textgen.messages import OptionError
from textgen.options.batch import FieldName
from textgen.options.fields import DATA, MODEL, RECIPE, Fraction, changed, field, pair, rising
from textgen.options.train import ReplacingOptions, TrainOptions

Rate = Annotated[float, Field(gt=0, lt=1)]
Span = Annotated[tuple[Rate, Rate], pair("-", float, "0.15 or 0.1-0.4"), AfterValidator(rising)]
SIZES = ("layers", "width", "heads", "positions")


class SizedOptions(TrainOptions):
    """The options of recipes that can begin with fresh weights: their sizes."""

    layers: int = field(6, "Layers of a fresh network.", MODEL, ge=1, le=128)
    width: int = field(512, "Its width.", MODEL, ge=8, le=16384)
    heads: int = field(8, "Its attention heads.", MODEL, ge=1, le=256)
    positions: int = field(512, "Maximum number of tokens that it reads.", MODEL, ge=16, le=65536)

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.width % self.heads:
            raise OptionError("{@heads} {heads} does not divide {@width} {width}", **vars(self))
        self._check_fresh(SIZES)
        return self


class Gpt2TrainOptions(SizedOptions, ReplacingOptions):
    """A language model from left to right."""

    layers: int = changed(SizedOptions, "layers", 8)
    positions: int = changed(SizedOptions, "positions", 1024)
    window: int | None = field(None, "Tokens per training window (default: all positions).", RECIPE, ge=8)


class BertTrainOptions(SizedOptions):
    """A masked language model."""

    length: int = field(256, "Most tokens of a passage.", RECIPE, ge=8)
    mask_rate: Span = field((0.1, 0.4), "Share of a passage's tokens that are asked for.", RECIPE)


class ConditionalTrainOptions(ReplacingOptions):
    """A gpt2 or bert that writes in styles: labels, domains, whatever a field names."""

    start: str = field("gpt2", "A gpt2 or bert model to start from.", MODEL)
    learning_rate: float = changed(TrainOptions, "learning_rate", 1e-4)
    label_field: FieldName = field("label", "Field with the label.", DATA)
    condition_size: int = field(128, "Width of a style's vector.", RECIPE, ge=1, le=4096)
    condition_pace: float = field(
        10.0, "How many times faster the style's own weights learn.", RECIPE, gt=0, le=1000
    )
    null_share: Fraction = field(
        0.1, "Share of the examples whose style is hidden, for {@guidance} and no {@style}.", RECIPE
    )
    length: int = field(256, "Most tokens of a text.", RECIPE, ge=8)
    mask_rate: Span = field((0.1, 0.6), "Share of a text's tokens that a bert is asked for.", RECIPE)
