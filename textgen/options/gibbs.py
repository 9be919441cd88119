"""What sampling from a masked model takes."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from textgen.options.base import Options


def _span(value: object) -> object:
    """Read `12-24`, `16` or a pair as (least, most)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, str):
        least, dash, most = value.partition("-")
        if not least.strip().isdecimal() or (dash and not most.strip().isdecimal()):
            raise ValueError("must be a length such as 16 or a range such as 12-24")
        return int(least), int(most) if dash else int(least)
    return tuple(value) if isinstance(value, list) else value


Span = Annotated[tuple[int, int], BeforeValidator(_span)]


class GibbsOptions(Options):
    """What sampling from a masked model takes.

    Attributes:
        length: Pieces of a free sample, least and most; each chain draws its own.
        sweeps: Sweeps of a chain; one sweep is as many updates as there are free places.
        burn_in: Sweeps left out at the start; None is a third of the sweeps.
        thin: Keep every so many sweeps after that.
    """

    length: Span = (12, 24)
    sweeps: int = Field(20, ge=1)
    burn_in: int | None = Field(None, ge=0)
    thin: int = Field(1, ge=1)

    @property
    def burnt(self) -> int:
        """Sweeps left out at the start of a chain."""
        return self.sweeps // 3 if self.burn_in is None else self.burn_in

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if not 1 <= self.length[0] <= self.length[1]:
            raise ValueError(f"--length {self.length[0]}-{self.length[1]} is not a range of lengths")
        if self.burnt + self.thin > self.sweeps:
            raise ValueError(
                f"--burn-in {self.burnt} and --thin {self.thin} leave nothing of --sweeps {self.sweeps}"
            )
        return self
