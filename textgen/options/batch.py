"""What runs over files take: how rows are read, and how the run goes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from textgen.messages import OptionError, option
from textgen.text.names import bare

KEYWORDS = "keywords"  # the field of a table with the keywords of each row


def _shard(value: object) -> object:
    """Read `2/8` as (2, 8)."""
    if isinstance(value, str):
        part, slash, parts = value.partition("/")
        if not slash or not part.strip().isdecimal() or not parts.strip().isdecimal():
            raise ValueError("must be like 2/8: the second of eight parts")
        return int(part), int(parts)
    return tuple(value) if isinstance(value, list) else value


FieldName = Annotated[str, AfterValidator(bare)]


class InputOptions(BaseModel):
    """How the rows of files are read; names of fields are as `textgen.text.names.bare` gives them.

    Attributes:
        field: Where the text lies in a row of a table; None where rows are sets of words.
        id_field: Where its id lies.
        keywords_field: Where its keywords lie; None is the field `keywords`, if there is one; empty, none.
        lines: A text file holds a text a line, not one text.
        keep_fields: Carry the other fields of a row through to its record.
        format: What the files hold, whatever their endings are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    field: FieldName | None = "text"
    id_field: FieldName = "id"
    keywords_field: FieldName | None = None
    lines: bool = False
    keep_fields: bool = False
    format: Literal["text", "lines", "jsonl", "csv", "tsv", "parquet"] | None = None

    @property
    def keywords_name(self) -> str:
        """The field to look for keywords in; empty for none."""
        return KEYWORDS if self.keywords_field is None else self.keywords_field

    @property
    def named(self) -> tuple[str, ...]:
        """Those that must be there: all but an id and keywords that a row may or may not have."""
        optional = {"id", KEYWORDS if self.keywords_field is None else ""}
        return tuple(name for name in self.names if name not in optional)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are read."""
        return tuple(name for name in (self.field, self.id_field, self.keywords_name) if name)


class RunOptions(BaseModel):
    """How a run over files goes.

    Attributes:
        force: Overwrite an output, and start anew what was interrupted.
        resume: Go on where an earlier run was interrupted.
        retry_errors: Compute the error rows of a finished output again.
        strict: Stop at the first row that is an error.
        workers: Processes that compute; None is one a core.
        threads: Threads to compute with, in one process; None is one where the records go into a file.
        shard: Which part of how many equal parts of the rows, the first being 1.
        engine: `local` processes, or a cluster by `ray`.
        address: The cluster's address; None starts one on this machine.
        num_gpus: GPUs of a worker on a cluster.
        csv_safe: Put an apostrophe before every text in a CSV output that a spreadsheet would take for a
            formula.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    force: bool = False
    resume: bool = False
    retry_errors: bool = False
    strict: bool = False
    workers: int | None = Field(None, ge=1, le=1024)
    threads: int | None = Field(None, ge=1)
    shard: Annotated[tuple[int, int], BeforeValidator(_shard)] = (1, 1)
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    num_gpus: float = Field(0.0, ge=0)
    csv_safe: bool = False

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise OptionError(
                f"{{@shard}} {self.shard[0]}/{self.shard[1]}: the first is from 1 to the second"
            )
        for chosen, others in ((("force",), ("resume", "retry_errors")), (("resume",), ("retry_errors",))):
            for one, other in ((a, b) for a in chosen for b in others):
                if getattr(self, one) and getattr(self, other):
                    raise OptionError(
                        "{one} and {other} exclude each other", one=option(one), other=option(other)
                    )
        if self.workers and self.threads:
            raise OptionError("every one of {@workers} has one thread: leave out {@threads}")
        if self.engine == "ray" and self.threads:
            raise OptionError("an actor of {@engine} ray has one thread: leave out {@threads}")
        if self.engine != "ray" and (self.address or self.num_gpus):
            raise OptionError(
                "{option} needs {@engine} ray", option=option("address" if self.address else "num_gpus")
            )
        return self
