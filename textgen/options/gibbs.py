"""What sampling from a masked model takes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from textgen.options.base import Options, Words, flag
from textgen.options.decoding import MIN_TEMPERATURE

MAX_KEPT = 1000  # words that may not change
WRONG_ANNEAL = "must be temperatures such as 1.0:0.3 or 1.0:0.3:geometric"
# options that belong to some methods or scans, which are refused with others, never ignored
TAKERS = {
    "energy": ("method", ("mh", "anneal")),
    "anneal": ("method", ("anneal",)),
    "thin": ("method", ("gibbs", "mh")),
    "block": ("scan", ("block",)),
}


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


def _fall(value: object) -> object:
    """Read `1.0:0.3`, `1.0:0.3:geometric` or such a list as (first, last, kind)."""
    parts = value.split(":") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) not in (2, 3):
        raise ValueError(WRONG_ANNEAL)
    kind = str(parts[2]).strip() if len(parts) == 3 else "linear"
    try:
        return float(parts[0]), float(parts[1]), kind
    except (TypeError, ValueError):
        raise ValueError(WRONG_ANNEAL) from None


Span = Annotated[tuple[int, int], BeforeValidator(_span)]
Temperature = Annotated[float, Field(ge=MIN_TEMPERATURE, le=1e4)]
Fall = Annotated[
    tuple[Temperature, Temperature, Literal["linear", "geometric"]],
    BeforeValidator(_fall),
]


class GibbsOptions(Options):
    """What sampling from a masked model takes.

    Attributes:
        method: `gibbs` takes whatever is drawn from the model's conditionals: it samples a law of its own,
            which depends on the scan, and `temperature` and `top_k` change that law. `mh` accepts or
            refuses what is drawn so that the law is exp(-E) of the `energy`, whatever the scan and the
            other two. `anneal` searches that law's best text while its temperature falls.
        scan: `random` draws one place a time, any; `sequential` from left to right; `block` a few places
            together, independent given the rest; `all` every place at once. A sweep draws as many places
            as are free in each of them.
        block: Places of a block.
        energy: E of a text, a sum over its pieces given all others: `raw` of their negative logits,
            `local` of their negative log-probabilities.
        temperature: Divides the logits of what is drawn.
        top_k: Draw only from the k most probable pieces; 0 is all. Under `mh` and `anneal` a piece of a
            seed sentence that is not among them stays until its surroundings make it more probable: it
            could not be drawn again.
        anneal: First and last temperature of the search, and whether it falls by a constant difference
            (`linear`) or a constant factor (`geometric`) a sweep; such as `1.0:0.3:geometric`.
        chains: How many chains; None is one a text. Fewer give several states each, the last ones first;
            more only tell how well they agree.
        length: Pieces of a free sample, least and most; each chain draws its own.
        keep: Parts of a seed sentence that may not change, wherever they occur in it.
        sweeps: Sweeps of a chain; one sweep is as many draws as there are free places.
        burn_in: Sweeps left out at the start; None is a third of the sweeps.
        thin: Keep every so many sweeps after that.
    """

    method: Literal["gibbs", "mh", "anneal"] = "gibbs"
    scan: Literal["random", "sequential", "block", "all"] = "random"
    block: int = Field(3, ge=1)
    energy: Literal["raw", "local"] = "raw"
    temperature: float = Field(1.0, ge=MIN_TEMPERATURE)
    top_k: int = Field(0, ge=0)
    anneal: Fall = (1.0, 0.3, "linear")
    chains: int | None = Field(None, ge=1, le=10_000)
    length: Span = (12, 24)
    keep: Words = Field((), max_length=MAX_KEPT)
    sweeps: int = Field(20, ge=1)
    burn_in: int | None = Field(None, ge=0)
    thin: int = Field(1, ge=1)

    @property
    def burnt(self) -> int:
        """Sweeps left out at the start of a chain."""
        return self.sweeps // 3 if self.burn_in is None else self.burn_in

    @property
    def rows_at_once(self) -> int:
        """As many rows as there are chains in a batch: they are slow, and an interruption loses a batch."""
        return max(1, self.batch_size // self.parallel)

    @property
    def parallel(self) -> int:
        """How many chains there are."""
        return self.chains or self.num_candidates

    @property
    def states(self) -> int:
        """How many texts a chain gives."""
        return -(-self.num_candidates // self.parallel)

    @model_validator(mode="after")
    def _combination(self) -> Self:
        for option, (other, values) in TAKERS.items():
            if option in self.model_fields_set and getattr(self, other) not in values:
                known = " or ".join(values)
                raise ValueError(f"{flag(option)} needs {flag(other)} {known}, not {getattr(self, other)}")
        if not 1 <= self.length[0] <= self.length[1]:
            raise ValueError(f"--length {self.length[0]}-{self.length[1]} is not a range of lengths")
        if self.anneal[0] < self.anneal[1]:
            raise ValueError(f"--anneal {self.anneal[0]:g}:{self.anneal[1]:g} rises: the higher comes first")
        self._check_states()
        return self

    def _check_states(self) -> None:
        """Refuse chains that record less than they are to give."""
        if self.burnt + self.thin > self.sweeps:
            raise ValueError(
                f"--burn-in {self.burnt} and --thin {self.thin} leave nothing of --sweeps {self.sweeps}"
            )
        if self.method == "anneal" and self.states > 1:
            raise ValueError(
                f"--method anneal finds one text a chain: --chains {self.chains} is below "
                f"-n {self.num_candidates}"
            )
        recorded = (self.sweeps - self.burnt) // self.thin
        if self.states > recorded:
            raise ValueError(
                f"-n {self.num_candidates} from --chains {self.chains} are {self.states} states of each, "
                f"and --sweeps {self.sweeps} record {recorded}"
            )
