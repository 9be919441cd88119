"""What every recipe takes that trains a network."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from textgen.messages import OptionError
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
    epochs: float | None = Field(
        None, gt=0, description="Passes over the data (default 3, without {@steps})."
    )
    steps: int | None = Field(None, ge=1, description="Optimizer steps, instead of epochs.")
    batch_size: int = Field(32, ge=1, description="Examples of an optimizer step, all processes together.")
    accumulate: int = Field(1, ge=1, description="Parts that a step's examples are computed in.")
    bucketing: bool = Field(True, description="Batches of examples of about one length.")
    weight: Weights = Field(
        {},
        description="How often an epoch has the rows of a source (a field, or the file), as news=0.25.",
    )
    learning_rate: float = Field(3e-4, gt=0, le=1, description="Highest learning rate of AdamW.")
    scheduler: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="How the learning rate falls to 0."
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of the steps in which it rises.")
    weight_decay: float = Field(0.01, ge=0, lt=1, description="Of matrices.")
    clip: float = Field(1.0, ge=0, description="Norm that gradients are cut to; 0 never.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share dropped of what layers give.")
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

    replace: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the decoder's inputs replaced at random, in half of the examples.",
    )
