"""What the recipes take that learn from articles with titles."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from textgen.messages import OptionError, option
from textgen.options.train import RANDOM, ReplacingOptions, TrainOptions


class TitledTrainOptions(TrainOptions):
    """What all recipes take whose rows are articles with titles."""

    title_length: int = Field(46, ge=1, description="Most pieces of a title.")


class CandidateTrainOptions(TitledTrainOptions):
    """What recipes take that learn from the order of titles that a model has written."""

    candidates: int = Field(12, ge=2, le=64, description="Most candidates of an article.")
    beams: int = Field(6, ge=0, le=64, description="Beam hypotheses among them, in each direction.")
    samples: int = Field(6, ge=0, le=64, description="Samples among them, in each direction.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.beams + self.samples < 2:
            raise OptionError("{@beams} and {@samples} leave nothing to order")
        if self.rdrop:
            raise OptionError("{@rdrop} goes with one title an article: leave it out")
        return self


class TitleTrainBase(TitledTrainOptions, ReplacingOptions):
    """What all recipes take that learn to write titles."""

    dev_metric: Literal["loss", "rouge-l"] = Field(  # type: ignore[assignment]
        "loss", description="What is best on the dev file."
    )
    replace_from: Literal["target", "input"] = Field(
        "target", description="Where replacements are drawn from: the title, or article and title."
    )

    @model_validator(mode="after")
    def _replacing(self) -> Self:
        if "replace_from" in self.model_fields_set and not self.replace:
            raise OptionError("{@replace_from} needs {@replace}")
        return self


class TitleTrainOptions(TitleTrainBase):
    """Titles by a BERT under the UniLM mask, with the copy prior, in both directions."""

    start: str = Field("bert", description="A bert or title model to start from.")
    learning_rate: float = Field(1e-4, gt=0, le=1, description="Highest learning rate of AdamW.")


class BidirectionalTrainOptions(TitleTrainBase):
    """Titles whose two directions see each other while they are written: a second stage after `title`."""

    start: str = Field("title", description="The title model of the first stage.")
    learning_rate: float = Field(5e-5, gt=0, le=1, description="Highest learning rate of AdamW.")
    alone: float = Field(
        0.5, ge=0, le=1, description="Share of the examples whose directions do not see each other."
    )


class TitleRankTrainOptions(TitleTrainBase, CandidateTrainOptions):
    """Titles whose probabilities order the model's own candidates: a stage after `title` (BRIO)."""

    start: str = Field("title", description="The title model to go on from.")
    learning_rate: float = Field(2e-5, gt=0, le=1, description="Highest learning rate of AdamW.")
    batch_size: int = Field(8, ge=1, description="Articles of an optimizer step, all processes together.")
    margin: float = Field(
        0.01, ge=0, description="What a place in the order is worth, in nats a piece of a title."
    )
    margin_weight: float = Field(1.0, ge=0, description="Weight of the ordering beside the cross entropy.")
    length_exponent: float = Field(
        1.0, ge=0, le=4, description="Candidates compare by their log-probability / pieces to this power."
    )


class TitleScorerTrainOptions(CandidateTrainOptions):
    """A BERT that ranks the titles which a title model writes: what --rank scorer takes."""

    start: str = Field("bert", description="A bert or title model, which the scorer reads with.")
    writer: str = Field("title", min_length=1, description="The title model that writes the candidates.")
    learning_rate: float = Field(5e-5, gt=0, le=1, description="Highest learning rate of AdamW.")
    batch_size: int = Field(8, ge=1, description="Articles of an optimizer step, all processes together.")
    dev_metric: Literal["loss", "accuracy", "rouge-l"] = Field(  # type: ignore[assignment]
        "loss", description="What is best on the dev file: pairs in order, or the title ranked first."
    )
    source_length: int | None = Field(
        None, ge=8, le=65536, description="Most pieces it reads of an article (default as many as it can)."
    )
    objective: Literal["margin", "listwise"] = Field(
        "margin", description="A lead for each place in the order, or ROUGE-L as a distribution."
    )
    margin: float = Field(0.1, ge=0, description="What a place in the order is worth.")
    sharpness: float = Field(
        10.0,
        gt=0,
        le=1000,
        description="Of {@objective} listwise: softmax of so many times ROUGE-L (0 to 1).",
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

    learning_rate: float = Field(1e-3, gt=0, le=1, description="Highest learning rate of AdamW.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Nothing is dropped.")
    width: int = Field(128, ge=16, le=4096, description="Width of a fresh network.")
    source_length: int = Field(400, ge=8, le=4096, description="Most pieces it reads of an article.")
    prior: bool = Field(True, description="With the copy prior of the article's pieces.")

    @model_validator(mode="after")
    def _fresh(self) -> Self:
        if self.lora:
            raise OptionError("{@lora} adapts transformers, not an rnn-title: leave it out")
        if self.rdrop or self.dropout:
            name = "rdrop" if self.rdrop else "dropout"
            raise OptionError(f"--{name}: an rnn-title drops nothing, as in its article: leave it out")
        if self.gradient_penalty:
            raise OptionError("{@gradient_penalty} needs second derivatives, which an LSTM's kernel lacks")
        if self.start != RANDOM and (given := self.model_fields_set & {"width", "source_length", "prior"}):
            raise OptionError(
                "{option} is for fresh weights, not for {@start} {start}",
                option=option(min(given)),
                start=self.start,
            )
        if self.width % 16:
            raise OptionError(
                f"{{@width}} {self.width} must be a multiple of 16, for two ways and eight heads"
            )
        return self
