"""The options of recipes that learn from articles with titles."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from textgen.messages import OptionError, option
from textgen.options.batch import FieldName
from textgen.options.fields import (
    DATA,
    DEV,
    MODEL,
    RECIPE,
    REGULARISERS,
    STEPS,
    Count,
    Fraction,
    NonNegative,
    Share,
    changed,
    field,
)
from textgen.options.train import ReplacingOptions, TrainOptions


class TitledTrainOptions(TrainOptions):
    """The options of recipes whose rows are articles with titles."""

    title_field: FieldName = field("title", "Field with the title.", DATA)
    title_length: Count = field(46, "Maximum number of tokens of a title.", RECIPE)


class CandidateTrainOptions(TitledTrainOptions):
    """The options of recipes that learn from the order of titles that a model has written."""

    candidates: int = field(12, "Most candidates of an article.", RECIPE, ge=2, le=64)
    beams: int = field(6, "Beam hypotheses among them, in each direction.", RECIPE, ge=0, le=64)
    samples: int = field(6, "Samples among them, in each direction.", RECIPE, ge=0, le=64)
    batch_size: Count = field(8, "Articles of an optimizer step, all processes together.", STEPS)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.beams + self.samples < 2:
            raise OptionError("{@beams} and {@samples} leave nothing to order")
        if self.rdrop:
            raise OptionError("{@rdrop} goes with one title an article: leave it out")
        return self


class TitleTrainBase(TitledTrainOptions, ReplacingOptions):
    """The options of recipes that learn to write titles."""

    dev_metric: Literal["loss", "rouge-l"] = field(  # type: ignore[assignment]
        "loss", "What is best on the dev file.", DEV
    )
    replace_from: Literal["target", "input"] = field(
        "target", "Where replacements are drawn from: the title, or article and title.", REGULARISERS
    )

    @model_validator(mode="after")
    def _replacing(self) -> Self:
        if "replace_from" in self.model_fields_set and not self.replace:
            raise OptionError("{@replace_from} needs {@replace}")
        return self


class TitleTrainOptions(TitleTrainBase):
    """Titles by a BERT under the UniLM mask, with the copy prior, in both directions."""

    start: str = field(
        "bert", "A bert or title model to start from; or a BERT, BART, T5 or the like of another make.", MODEL
    )
    learning_rate: float = changed(TrainOptions, "learning_rate", 1e-4)


class BidirectionalTrainOptions(TitleTrainBase):
    """Titles whose two directions see each other while they are written: a second stage after `title`."""

    start: str = field("title", "The title model of the first stage.", MODEL)
    learning_rate: float = changed(TrainOptions, "learning_rate", 5e-5)
    alone: Share = field(0.5, "Share of the examples whose directions do not attend to each other.", RECIPE)


class TitleRankTrainOptions(TitleTrainBase, CandidateTrainOptions):
    """Titles whose probabilities order the model's own candidates: a stage after `title` (BRIO)."""

    start: str = field("title", "The title model to go on from.", MODEL)
    learning_rate: float = changed(TrainOptions, "learning_rate", 2e-5)
    batch_size: Count = changed(CandidateTrainOptions, "batch_size", 8)
    margin: NonNegative = field(
        0.01, "What a place in the order is worth, in nats a token of a title.", RECIPE
    )
    margin_weight: NonNegative = field(1.0, "Weight of the ordering beside the cross entropy.", RECIPE)
    length_exponent: float = field(
        1.0, "Candidates compare by their log-probability / tokens to this power.", RECIPE, ge=0, le=4
    )


class TitleScorerTrainOptions(CandidateTrainOptions):
    """A BERT that ranks the titles which a title model writes, for ranking by a scorer."""

    start: str = field("bert", "A bert or title model, which the scorer reads with.", MODEL)
    writer: str = field("title", "The title model that writes the candidates.", RECIPE, min_length=1)
    learning_rate: float = changed(TrainOptions, "learning_rate", 5e-5)
    dev_metric: Literal["loss", "accuracy", "rouge-l"] = field(  # type: ignore[assignment]
        "loss", "What is best on the dev file: pairs in order, or the title ranked first.", DEV
    )
    source_length: int | None = field(
        None, "Most tokens it reads of an article (default as many as it can).", RECIPE, ge=8, le=65536
    )
    objective: Literal["margin", "listwise"] = field(
        "margin", "A lead for each place in the order, or ROUGE-L as a distribution.", RECIPE
    )
    margin: NonNegative = field(0.1, "What a place in the order is worth.", RECIPE)
    sharpness: float = field(
        10.0, "Of {@objective} listwise: softmax of so many times ROUGE-L (0 to 1).", RECIPE, gt=0, le=1000
    )

    @model_validator(mode="after")
    def _scores(self) -> Self:
        if self.label_smoothing:
            raise OptionError("{@label_smoothing} is for what is written: leave it out")
        if strange := self.model_fields_set & {{"margin": "sharpness", "listwise": "margin"}[self.objective]}:
            raise OptionError(
                "{option} does not apply to {@objective} {objective}",
                option=option(min(strange)),
                objective=self.objective,
            )
        return self


class RnnTitleTrainOptions(TitleTrainBase):
    """Titles by a BiLSTM with attention, self-modulated layer norm and the copy prior."""

    learning_rate: float = changed(TrainOptions, "learning_rate", 1e-3)
    dropout: Fraction = changed(TrainOptions, "dropout", 0.0)
    width: int = field(128, "Width of a fresh network.", MODEL, ge=16, le=4096)
    source_length: int = field(400, "Most tokens it reads of an article.", RECIPE, ge=8, le=4096)
    prior: bool = field(True, "With the copy prior of the article's tokens.", RECIPE)

    @model_validator(mode="after")
    def _fresh(self) -> Self:
        if self.lora:
            raise OptionError("{@lora} adapts transformers, not an rnn-title: leave it out")
        if self.rdrop or self.dropout:
            given = option("rdrop" if self.rdrop else "dropout")
            raise OptionError(
                "{option}: an rnn-title drops nothing, as in its article: leave it out", option=given
            )
        if self.gradient_penalty:
            raise OptionError("{@gradient_penalty} needs second derivatives, which an LSTM's kernel lacks")
        self._check_fresh(("width", "source_length", "prior"))
        if self.width % 16:
            raise OptionError(
                "{@width} {width} must be a multiple of 16, for two ways and eight heads", width=self.width
            )
        return self
