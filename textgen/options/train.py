"""The options of every recipe that trains a network."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from textgen.messages import OptionError
from textgen.options.fields import DATA, DEV, MODEL, OPTIMIZER, REGULARISERS, RUN, STEPS, OptionGroup, field
from textgen.text.names import bare

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
            name = bare(name)
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


class TrainOptions(OptionGroup):
    """What every recipe takes that trains a network.

    Attributes are described where they stand; the command line shows the same.
    """

    start: str = field(RANDOM, "Model to start from, or random.", panel=MODEL)
    tokenizer: str | None = field(
        None,
        "Model or .model file whose tokenizer fresh weights get (default: the shipped one).",
        panel=MODEL,
    )
    keep_layout: bool = field(False, "Texts as they stand, without the default cleaning.", panel=DATA)
    epochs: float | None = field(
        None, "Passes over the data (default 3, without {@steps}).", panel=STEPS, gt=0
    )
    steps: int | None = field(None, "Optimizer steps, instead of epochs.", panel=STEPS, ge=1)
    batch_size: int = field(32, "Examples of an optimizer step, all processes together.", panel=STEPS, ge=1)
    accumulate: int = field(1, "Parts that a step's examples are computed in.", panel=STEPS, ge=1)
    bucketing: bool = field(True, "Batches of examples of about one length.", panel=STEPS)
    weight: Weights = field(
        {}, "How often an epoch has the rows of a source (a field, or the file), as news=0.25.", panel=DATA
    )
    learning_rate: float = field(3e-4, "Highest learning rate of AdamW.", panel=OPTIMIZER, gt=0, le=1)
    scheduler: Literal["linear", "cosine", "constant"] = field(
        "linear", "How the learning rate falls to 0.", panel=OPTIMIZER
    )
    warmup: float = field(0.05, "Share of the steps in which it rises.", panel=OPTIMIZER, ge=0, lt=1)
    weight_decay: float = field(0.01, "Of matrices.", panel=OPTIMIZER, ge=0, lt=1)
    clip: float = field(1.0, "Norm that gradients are cut to; 0 never.", panel=OPTIMIZER, ge=0)
    dropout: float = field(0.1, "Share dropped of what layers give.", panel=REGULARISERS, ge=0, lt=1)
    label_smoothing: float = field(
        0.0, "Mass moved from the target to all pieces.", panel=REGULARISERS, ge=0, lt=1
    )
    rdrop: float = field(0.0, "Weight of R-Drop's symmetric KL of two passes.", panel=REGULARISERS, ge=0)
    gradient_penalty: float = field(
        0.0, "Weight of half the squared gradient of the embedded input.", panel=REGULARISERS, ge=0
    )
    fgm: float = field(0.0, "Length of the adversarial step on the embeddings.", panel=REGULARISERS, ge=0)
    ema: float = field(
        0.0, "Decay of the weights' moving average, which is what is kept.", panel=OPTIMIZER, ge=0, lt=1
    )
    lora: int = field(0, "Rank of low-rank adapters; 0 trains all weights.", panel=MODEL, ge=0, le=1024)
    lora_alpha: float | None = field(None, "Their scale (default twice the rank).", panel=MODEL, gt=0)
    seed: int = field(0, "Of all random numbers.", panel=RUN, ge=0, lt=2**63)
    precision: Literal["fp32", "bf16"] | None = field(
        None, "Of the forward pass (default: that of accelerate launch, else fp32).", panel=RUN
    )
    dev_metric: Literal["loss"] = field("loss", "What is best on the dev file.", panel=DEV)
    dev_rows: int = field(200, "Rows of the dev file that are generated for.", panel=DEV, ge=1)
    eval_every: int | None = field(None, "Steps between looks at the dev file (epoch).", panel=DEV, ge=1)
    patience: int | None = field(None, "Looks without a better one before it ends.", panel=DEV, ge=1)
    minutes: float | None = field(
        None, "Stop after so long, to be resumed; the schedule is that of the whole run.", panel=STEPS, gt=0
    )
    save_every: int = field(500, "Steps between checkpoints.", panel=RUN, ge=1)
    log_every: int = field(10, "Steps between lines of the log.", panel=RUN, ge=1)
    storage: Literal["fp32", "fp16", "int8"] = field("fp16", "How the trained model is stored.", panel=MODEL)

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if self.epochs and self.steps:
            raise OptionError("{@epochs} and {@steps} exclude each other")
        if self.lora_alpha and not self.lora:
            raise OptionError("{@lora_alpha} needs {@lora}")
        if self.lora and self.start == RANDOM:
            raise OptionError("{@lora} adapts weights that are there: name them with {@start}")
        if self.tokenizer and self.start != RANDOM:
            raise OptionError(f"{{@start}} {self.start} comes with its tokenizer: leave out {{@tokenizer}}")
        return self


class ReplacingOptions(TrainOptions):
    """What recipes take whose network is fed what it should have written so far."""

    replace: float = field(
        0.0,
        "Share of the decoder's inputs replaced at random, in half of the examples.",
        panel=REGULARISERS,
        ge=0,
        lt=1,
    )
