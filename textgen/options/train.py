"""What the recipes of training take."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

RANDOM = "random"  # --start with fresh weights


def _weights(value: object) -> object:
    """Read `cctv=0.25` or a list of such."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    found = {}
    for item in value:
        name, equals, weight = str(item).rpartition("=")
        try:
            found[name] = float(weight)
        except ValueError:
            equals = ""
        if not name or not equals:
            raise ValueError("must be like news=0.25: a source, and how often an epoch has its rows")
    return found


Weight = Annotated[float, Field(ge=0, le=100)]
Weights = Annotated[dict[str, Weight], BeforeValidator(_weights)]


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
    if isinstance(found, tuple) and not (len(found) == 2 and 0 < found[0] <= found[1] < 1):
        raise ValueError("takes one or two shares between 0 and 1, the smaller first")
    return found


Span = Annotated[tuple[float, float], BeforeValidator(_span)]


class TrainOptions(BaseModel):
    """What every recipe takes that trains a network.

    Attributes are described where they stand; the command line shows the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    start: str = Field(RANDOM, description="Model to start from, or random.")
    tokenizer: str | None = Field(
        None, description="Model or .model file whose tokenizer fresh weights get (default: the shipped one)."
    )
    keep_layout: bool = Field(False, description="Texts as they stand, without the default cleaning.")
    epochs: float | None = Field(None, gt=0, description="Passes over the data (default 3, without --steps).")
    steps: int | None = Field(None, ge=1, description="Optimizer steps, instead of epochs.")
    batch_size: int = Field(32, ge=1, description="Examples of an optimizer step, all processes together.")
    accumulate: int = Field(1, ge=1, description="Parts that a step's examples are computed in.")
    bucketing: bool = Field(True, description="Batches of examples of about one length.")
    weight: Weights = Field(
        {}, description="How often an epoch has the rows of a source (a field, or the file), as news=0.25."
    )
    learning_rate: float = Field(3e-4, gt=0, le=1, description="Highest learning rate of AdamW.")
    scheduler: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="How the learning rate falls to 0."
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of the steps in which it rises.")
    weight_decay: float = Field(0.01, ge=0, lt=1, description="Of matrices.")
    clip: float = Field(1.0, ge=0, description="Norm that gradients are cut to; 0 never.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of activations dropped.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Mass moved from the target to all pieces.")
    rdrop: float = Field(0.0, ge=0, description="Weight of R-Drop's symmetric KL of two passes.")
    gradient_penalty: float = Field(
        0.0, ge=0, description="Weight of half the squared gradient of the embedded input."
    )
    fgm: float = Field(0.0, ge=0, description="Length of the adversarial step on the embeddings.")
    ema: float = Field(
        0.0, ge=0, lt=1, description="Decay of the weights' moving average, which is what is kept."
    )
    lora: int = Field(0, ge=0, le=1024, description="Rank of low-rank adapters; 0 trains all weights.")
    lora_alpha: float | None = Field(None, gt=0, description="Their scale (default twice the rank).")
    seed: int = Field(0, ge=0, lt=2**63, description="Of all random numbers.")
    precision: Literal["fp32", "bf16"] | None = Field(
        None, description="Of the forward pass (default: that of accelerate launch, else fp32)."
    )
    dev_metric: Literal["loss"] = Field("loss", description="What is best on the dev file.")
    dev_rows: int = Field(200, ge=1, description="Rows of the dev file that are generated for.")
    eval_every: int | None = Field(None, ge=1, description="Steps between looks at the dev file (epoch).")
    patience: int | None = Field(None, ge=1, description="Looks without a better one before it ends.")
    minutes: float | None = Field(
        None, gt=0, description="Stop after so long, to be resumed; the schedule is that of the whole run."
    )
    save_every: int = Field(500, ge=1, description="Steps between checkpoints.")
    log_every: int = Field(10, ge=1, description="Steps between lines of the log.")
    storage: Literal["fp32", "fp16", "int8"] = Field("fp16", description="How the trained model is stored.")

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if self.epochs and self.steps:
            raise ValueError("--epochs and --steps exclude each other")
        if self.lora_alpha and not self.lora:
            raise ValueError("--lora-alpha needs --lora")
        if self.lora and self.start == RANDOM:
            raise ValueError("--lora adapts weights that are there: name them with --start")
        if self.tokenizer and self.start != RANDOM:
            raise ValueError(f"--start {self.start} comes with its tokenizer: leave out --tokenizer")
        return self


class SizedOptions(TrainOptions):
    """What a network takes that can be made from nothing: its sizes."""

    layers: int = Field(6, ge=1, le=128, description="Layers of a fresh network.")
    width: int = Field(512, ge=8, le=16384, description="Its width.")
    heads: int = Field(8, ge=1, le=256, description="Its attention heads.")
    positions: int = Field(512, ge=16, le=65536, description="Most pieces it reads.")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"--heads {self.heads} does not divide --width {self.width}")
        if self.start != RANDOM and (
            given := self.model_fields_set & {"layers", "width", "heads", "positions"}
        ):
            raise ValueError(f"--{min(given)} is for fresh weights, not for --start {self.start}")
        return self


class Gpt2TrainOptions(SizedOptions):
    """A language model from left to right."""

    layers: int = Field(8, ge=1, le=128, description="Layers of a fresh network.")
    positions: int = Field(1024, ge=16, le=65536, description="Most pieces it reads.")
    window: int | None = Field(None, ge=8, description="Pieces of a training window (default all positions).")


class BertTrainOptions(SizedOptions):
    """A masked language model."""

    length: int = Field(256, ge=8, description="Most pieces of a passage.")
    mask_rate: Span = Field((0.1, 0.4), description="Share of a passage's pieces that are asked for.")


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
            raise ValueError("--beams and --samples leave nothing to order")
        if self.rdrop:
            raise ValueError("--rdrop goes with one title an article: leave it out")
        return self


class TitleTrainBase(TitledTrainOptions):
    """What all recipes take that learn to write titles."""

    dev_metric: Literal["loss", "rouge-l"] = Field(  # type: ignore[assignment]
        "loss", description="What is best on the dev file."
    )
    replace: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the decoder's inputs replaced at random, in half of the examples.",
    )
    replace_from: Literal["target", "input"] = Field(
        "target", description="Where replacements are drawn from: the title, or article and title."
    )


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
        10.0, gt=0, le=1000, description="Of --objective listwise: softmax of so many times ROUGE-L (0 to 1)."
    )

    @model_validator(mode="after")
    def _scores(self) -> Self:
        if self.label_smoothing:
            raise ValueError("--label-smoothing is for what is written: leave it out")
        if strange := self.model_fields_set & {{"margin": "sharpness", "listwise": "margin"}[self.objective]}:
            raise ValueError(f"--{min(strange)} does not apply to --objective {self.objective}")
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
            raise ValueError("--lora adapts transformers, not an rnn-title: leave it out")
        if self.rdrop or self.dropout:
            name = "rdrop" if self.rdrop else "dropout"
            raise ValueError(f"--{name}: an rnn-title drops nothing, as in its article: leave it out")
        if self.gradient_penalty:
            raise ValueError("--gradient-penalty needs second derivatives, which an LSTM's kernel lacks")
        if self.start != RANDOM and (given := self.model_fields_set & {"width", "source_length", "prior"}):
            raise ValueError(
                f"--{min(given).replace('_', '-')} is for fresh weights, not for --start {self.start}"
            )
        if self.width % 16:
            raise ValueError(f"--width {self.width} must be a multiple of 16, for two ways and eight heads")
        return self


class ConditionalTrainOptions(TrainOptions):
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
        description="Share of the examples whose style is hidden, for --guidance and no --style.",
    )
    length: int = Field(256, ge=8, description="Most pieces of a text.")
    mask_rate: Span = Field((0.1, 0.6), description="Share of a text's pieces that a bert is asked for.")


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
