"""The options of reading files, and of runs over them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from textgen.messages import OptionError, option
from textgen.options.fields import BATCH, FILES, Count, NonNegative, OptionGroup, pair
from textgen.options.fields import field as option_field
from textgen.text.names import clean_name

KEYWORDS = "keywords"  # the field of a table with the keywords of each row
CHOICES = "choices"  # that with its choices


def _part(shard: tuple[int, int]) -> tuple[int, int]:
    if shard[0] > shard[1]:
        raise OptionError("there is no part {part} of {parts}", part=shard[0], parts=shard[1])
    return shard


Shard = Annotated[
    tuple[Count, Count],
    pair("/", int, "2/8: the second of eight parts", alone=False),
    AfterValidator(_part),
]
Precision = Literal["auto", "fp32", "bf16", "int8"]
Device = Literal["auto", "cpu", "cuda"]
FieldName = Annotated[str, AfterValidator(clean_name)]


class InputOptions(OptionGroup):
    """The options of reading rows; names of fields are as `textgen.text.names.clean_name` gives them."""

    field: FieldName | None = option_field("text", "Field of a table that holds the text.", FILES)
    id_field: FieldName = option_field("id", "Field that holds the row's id.", FILES)
    keywords_field: FieldName | None = option_field(
        None, "Field that holds the row's keywords (compose: keywords, if there is one; else none).", FILES
    )
    choices_field: FieldName | None = option_field(
        None, "Field that holds the row's choices (fill: choices, if there is one).", FILES
    )
    lines: bool = option_field(
        False, "A text file has one text per line, or is one text (default for title).", FILES
    )
    keep_fields: bool = option_field(False, "Copy the other fields of a row into its record.", FILES)
    format: str | None = option_field(
        None, "Format of the files (default: by their endings; stdin: text).", FILES
    )

    @property
    def keywords_name(self) -> str:
        """The field to look for keywords in; empty for none."""
        return KEYWORDS if self.keywords_field is None else self.keywords_field

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that must be there: all but an id, keywords and choices that a row may lack."""
        optional = {"id", KEYWORDS if self.keywords_field is None else "", CHOICES}
        return tuple(name for name in self.names if name not in optional)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are read."""
        names = (self.field, self.id_field, self.keywords_name, self.choices_field)
        return tuple(name for name in names if name)


class RunOptions(OptionGroup):
    """The options of runs over files."""

    force: bool = option_field(False, "Overwrite the output.", BATCH)
    resume: bool = option_field(False, "Continue an interrupted run.", BATCH)
    retry_errors: bool = option_field(False, "Compute the error rows of a finished output again.", BATCH)
    csv_safe: bool = option_field(
        False, "In CSV, put an apostrophe before texts that a spreadsheet would read as formulas.", BATCH
    )
    strict: bool = option_field(False, "Stop at the first row that is an error.", BATCH)
    workers: int | None = option_field(
        None,
        "Number of processes, with one thread each (default with {@output}: one per core it may use).",
        BATCH,
        ge=1,
        le=1024,
    )
    threads: Count | None = option_field(
        None, "Threads of a single process (default: the cores it may use; with {@output}: one).", BATCH
    )
    precision: Precision = option_field(
        "auto",
        "Precision of matrices (auto: int8 if it can be had, bf16 on a GPU but for chains).",
        BATCH,
    )
    adapter: str | None = option_field(
        None, "Directory of a PEFT adapter that was trained on the model.", BATCH, metavar="DIR"
    )
    device: Device = option_field("auto", "Where to compute; auto is a GPU, if there is one.", BATCH)
    shard: Shard = option_field(
        (1, 1), "Compute only this part of equal parts of the rows, such as 2/8.", BATCH, metavar="I/N"
    )
    engine: Literal["local", "ray"] = option_field(
        "local", "Run on this machine, or on a cluster (needs ray).", BATCH
    )
    address: str | None = option_field(
        None, "Address of the Ray cluster (default: one is started here).", BATCH
    )
    num_gpus: NonNegative = option_field(0.0, "GPUs per Ray actor.", BATCH)

    @model_validator(mode="after")
    def _combination(self) -> Self:
        chosen = [option(name) for name in ("force", "resume", "retry_errors") if getattr(self, name)]
        if len(chosen) > 1:
            raise OptionError("{one} and {other} exclude each other", one=chosen[0], other=chosen[1])
        if self.threads and (self.workers or self.engine == "ray"):
            wrong = "each process of {option} has one thread: leave out {@threads}"
            raise OptionError(wrong, option=option("workers" if self.workers else "engine"))
        if self.engine == "ray" and self.device == "cuda" and not self.num_gpus:
            raise OptionError("{@device} cuda on a cluster needs {@num_gpus}")
        if self.num_gpus and self.device == "cpu":
            raise OptionError("{@num_gpus} and {@device} cpu exclude each other")
        if self.engine != "ray" and (self.address or self.num_gpus):
            raise OptionError(
                "{option} needs {@engine} ray", option=option("address" if self.address else "num_gpus")
            )
        return self
