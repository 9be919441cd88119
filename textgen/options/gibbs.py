"""What sampling from a masked model takes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from textgen.messages import OptionError
from textgen.options.base import StyledOptions, Words
from textgen.options.chains import ChainOptions, Fall, Span

MAX_KEPT = 1000  # words that may not change
# options that belong to some methods or scans, which are refused with others, never ignored
TAKERS = {
    "energy": ("method", ("mh", "anneal")),
    "anneal": ("method", ("anneal",)),
    "thin": ("method", ("gibbs", "mh")),
    "block": ("scan", ("block",)),
}


class GibbsOptions(ChainOptions, StyledOptions):
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
        temperature: Divides the logits of what is drawn. Of 0.7, 0.8, 0.9 and 1, samples at 1 were nearest to
            real text by `benchmarks/sampling_table.py`.
        top_k: Draw only from the k most probable pieces; 0 is all. Under `mh` and `anneal` a piece of a
            seed sentence that is not among them stays until its surroundings make it more probable: it
            could not be drawn again.
        anneal: First and last temperature of the search, and whether it falls by a constant difference
            (`linear`) or a constant factor (`geometric`) a sweep; such as `1.0:0.3:geometric`.
        chains: How many chains; None is one a text. Fewer give several states each, the last ones first;
            more only tell how well they agree.
        length: Characters of a free sample, least and most, white space not counted. Each chain draws its
            number of pieces from that range; a piece has one character or more.
        keep: Parts of a seed sentence that may not change, wherever they occur in it.
        sweeps: Sweeps of a chain; one sweep is as many draws as there are free places.
        burn_in: Sweeps left out at the start; None is a third of the sweeps.
        thin: Keep every so many sweeps after that.
    """

    method: Literal["gibbs", "mh", "anneal"] = "gibbs"
    scan: Literal["random", "sequential", "block", "all"] = "random"
    block: int = Field(3, ge=1)
    energy: Literal["raw", "local"] = "raw"
    anneal: Fall = (1.0, 0.3, "linear")
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
    def states(self) -> int:
        """How many texts a chain gives."""
        return -(-self.num_candidates // self.parallel)

    @model_validator(mode="after")
    def _combination(self) -> Self:
        for option, (other, values) in TAKERS.items():
            if option in self.model_fields_set and getattr(self, other) not in values:
                known = " or ".join(values)
                raise OptionError(f"{{@{option}}} needs {{@{other}}} {known}, not {getattr(self, other)}")
        self._check_length(self.length)
        self._check_fall()
        self._check_states()
        return self

    def _check_states(self) -> None:
        """Refuse chains that record less than they are to give."""
        if self.burnt + self.thin > self.sweeps:
            raise OptionError(
                f"{{@burn_in}} {self.burnt} and {{@thin}} {self.thin} leave nothing of "
                f"{{@sweeps}} {self.sweeps}"
            )
        if self.method == "anneal" and self.states > 1:
            raise OptionError(
                f"{{@method}} anneal finds one text a chain: {{@chains}} {self.chains} is below "
                f"{{@num_candidates}} {self.num_candidates}"
            )
        recorded = (self.sweeps - self.burnt) // self.thin
        if self.states > recorded:
            raise OptionError(
                f"{{@num_candidates}} {self.num_candidates} from {{@chains}} {self.chains} "
                f"are {self.states} states of each, "
                f"and {{@sweeps}} {self.sweeps} record {recorded}"
            )
