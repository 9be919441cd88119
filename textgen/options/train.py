"""The options of every recipe that trains a network."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from textgen.messages import OptionError, option
from textgen.options.batch import FieldName, InputOptions
from textgen.options.fields import (
    DATA,
    DEV,
    MODEL,
    OPTIMIZER,
    REGULARISERS,
    RUN,
    STEPS,
    Count,
    Fraction,
    NonNegative,
    OptionGroup,
    Portion,
    Positive,
    Seed,
    field,
)
from textgen.text.names import clean_name

RANDOM = "random"  # --start with fresh weights


def _weights(value: object) -> object:
    """Read `cctv=0.25` or a list of such."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    found = {}
    for item in value:
        name, _, weight = str(item).rpartition("=")
        try:
            name = clean_name(name)
            found[name] = float(weight)
        except ValueError:
            name = ""
        if not name:
            raise ValueError("must be like news=0.25: a source, and how often an epoch has its rows")
        if not 0 <= found[name] <= 100:
            raise ValueError(f"must be 0 to 100, and that of {name} is {weight}")
    return found


Weight = Annotated[float, Field(ge=0, le=100)]
Weights = Annotated[dict[str, Weight], BeforeValidator(_weights)]


class RowOptions(OptionGroup):
    """Files of rows, as every recipe reads them; `<what>_field` names the field that holds something."""

    text_field: FieldName = field("text", "Field with the text.", DATA)
    format: str | None = field(None, "Format of the files (default: by their endings).", DATA)
    whole: bool = field(False, "A text file is one text, not one per line.", DATA)

    @classmethod
    def field_options(cls) -> list[str]:
        """The options that name a field; that of the source is the last."""
        return sorted(
            (name for name in cls.model_fields if name.endswith("_field")), key="source_field".__eq__
        )

    @property
    def named_fields(self) -> dict[str, str]:
        """The fields that the user has named, by what they hold."""
        named = [name for name in self.field_options() if name in self.model_fields_set]
        return {name.removesuffix("_field"): getattr(self, name) for name in named}

    @property
    def reading(self) -> InputOptions:
        """The options by which the files are read."""
        return InputOptions(
            field=self.text_field,
            id_field="",
            keywords_field="",
            keep_fields=True,
            lines=not self.whole,
            format=self.format,
        )


class TrainOptions(RowOptions):
    """The options of every recipe that trains a network.

    Attributes are described where they stand; the command line shows the same.
    """

    start: str = field(RANDOM, "Model to start from, or random.", MODEL)
    tokenizer: str | None = field(
        None, "Model or .model file whose tokenizer fresh weights get (default: the shipped one).", MODEL
    )
    keep_layout: bool = field(False, "Texts as they stand, without the default cleaning.", DATA)
    epochs: Positive | None = field(None, "Passes over the data (default 3, without {@steps}).", STEPS)
    steps: Count | None = field(None, "Optimizer steps, instead of epochs.", STEPS)
    source_field: FieldName = field(
        "source",
        "Field with the name of a row's source, for {@weight} (default source, else the file).",
        DATA,
    )
    batch_size: Count = field(32, "Examples of an optimizer step, all processes together.", STEPS)
    accumulate: Count = field(
        1, "Number of parts in which a step is computed (gradient accumulation).", STEPS
    )
    bucketing: bool = field(True, "Batches of examples of similar length.", STEPS)
    weight: Weights = field({}, "Relative frequency of a source (a field, or the file), as news=0.25.", DATA)
    learning_rate: Portion = field(3e-4, "Highest learning rate of AdamW.", OPTIMIZER)
    scheduler: Literal["linear", "cosine", "constant"] = field(
        "linear", "How the learning rate falls to 0.", OPTIMIZER
    )
    warmup: Fraction = field(0.05, "Share of the steps in which the learning rate rises.", OPTIMIZER)
    weight_decay: Fraction = field(0.01, "Weight decay of the matrices.", OPTIMIZER)
    clip: NonNegative = field(1.0, "Clip gradients to this norm; 0: no clipping.", OPTIMIZER)
    dropout: Fraction = field(0.1, "Dropout rate.", REGULARISERS)
    label_smoothing: Fraction = field(
        0.0, "Probability mass moved from the target to all tokens.", REGULARISERS
    )
    rdrop: NonNegative = field(0.0, "Weight of R-Drop's symmetric KL of two passes.", REGULARISERS)
    gradient_penalty: NonNegative = field(
        0.0, "Weight of half the squared gradient of the embedded input.", REGULARISERS
    )
    fgm: NonNegative = field(0.0, "Length of the adversarial step on the embeddings.", REGULARISERS)
    ema: Fraction = field(
        0.0, "Decay of the moving average of the weights, which is what is kept.", OPTIMIZER
    )
    lora: int = field(0, "Rank of low-rank adapters; 0 trains all weights.", MODEL, ge=0, le=1024)
    lora_alpha: Positive | None = field(None, "Scale of the adapters (default: twice the rank).", MODEL)
    seed: Seed = field(0, "Seed of all random numbers.", RUN)
    precision: Literal["fp32", "bf16"] | None = field(
        None, "Precision of the forward pass (default: that of accelerate launch, else fp32).", RUN
    )
    dev_metric: Literal["loss"] = field("loss", "Metric that the best model has on the dev file.", DEV)
    dev_rows: Count = field(200, "Rows of the dev file for which titles are generated.", DEV)
    eval_every: Count | None = field(
        None, "Steps between evaluations on the dev file (default: an epoch).", DEV
    )
    patience: Count | None = field(None, "Evaluations without improvement before the run ends.", DEV)
    minutes: Positive | None = field(
        None, "Stop after this many minutes, to be resumed; the schedule is that of the whole run.", STEPS
    )
    save_every: Count = field(500, "Steps between checkpoints.", RUN)
    log_every: Count = field(10, "Steps between lines of the log.", RUN)
    storage: Literal["fp32", "fp16", "int8"] = field("fp16", "How the trained model is stored.", MODEL)

    def of_training(self, **how: Any) -> dict[str, Any]:
        """The options but for those of rows, as `model_dump` gives them."""
        return self.model_dump(exclude={*RowOptions.model_fields, *self.field_options()}, **how)

    @model_validator(mode="after")
    def _fields(self) -> Self:
        named: dict[str, str] = {}
        for name in self.field_options()[:-1]:
            field = getattr(self, name)
            if (other := named.setdefault(field, name)) != name:
                template = "{one} and {other} both name {field}: each is a field of its own"
                raise OptionError(template, one=option(other), other=option(name), field=repr(field))
        return self

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if self.epochs and self.steps:
            raise OptionError("{@epochs} and {@steps} exclude each other")
        if self.lora_alpha and not self.lora:
            raise OptionError("{@lora_alpha} needs {@lora}")
        if self.lora and self.start == RANDOM:
            raise OptionError("{@lora} adapts weights that are there: name them with {@start}")
        if self.tokenizer and self.start != RANDOM:
            raise OptionError(
                "{@start} {start} comes with its tokenizer: leave out {@tokenizer}", start=self.start
            )
        return self

    def _check_fresh(self, names: Collection[str]) -> None:
        """Refuse options of fresh networks for a model that is there."""
        if self.start != RANDOM and (given := self.model_fields_set.intersection(names)):
            for_fresh = "{option} is for fresh weights, not for {@start} {start}"
            raise OptionError(for_fresh, option=option(min(given)), start=self.start)


class ReplacingOptions(TrainOptions):
    """The options of recipes that feed the network the target written so far."""

    replace: Fraction = field(
        0.0,
        "Share of the decoder's inputs that are replaced at random, in half of the examples.",
        REGULARISERS,
    )
