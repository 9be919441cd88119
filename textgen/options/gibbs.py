"""The options of sampling from a masked model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from textgen.messages import OptionError
from textgen.options.base import StyledOptions, Words, needs
from textgen.options.chains import ChainOptions, Span
from textgen.options.fields import CHAIN, Count, Whole, changed, field

MAX_KEPT = 1000  # words that may not change
BEST_OF = 8
# options that belong to some methods or scans, which are refused with others, never ignored
TAKERS = {
    "energy": ("method", ("mh", "anneal")),
    "anneal": ("method", ("anneal",)),
    "thin": ("method", ("gibbs", "mh")),
    "best_of": ("method", ("gibbs", "mh")),
    "block": ("scan", ("block",)),
}


class GibbsOptions(ChainOptions, StyledOptions):
    """The options of sampling from a masked model."""

    method: Literal["gibbs", "mh", "anneal"] = field(
        "gibbs",
        "gibbs takes whatever is drawn from the model's conditionals: it samples a distribution of its own, "
        "which depends on {@scan}, {@temperature} and {@top_k}. mh accepts or refuses what is drawn, so that "
        "the distribution is exp(-E) of the {@energy}, whatever these are. anneal searches for the best text "
        "of that distribution while its temperature falls.",
        CHAIN,
    )
    scan: Literal["random", "sequential", "block", "all"] = field(
        "random",
        "Positions drawn together: one at random, one after another from left to "
        "right, a block, or all at once.",
        CHAIN,
    )
    block: Count = field(3, "Positions per block.", CHAIN)
    energy: Literal["raw", "local"] = field(
        "raw",
        "E of a text: the sum over its tokens, each given all others, of negative logits (raw) or negative "
        "log-probabilities (local).",
        CHAIN,
    )
    temperature: float = changed(
        ChainOptions,
        "temperature",
        0.8,  # reads better than 0.9 and 1, which are nearer to real text (docs/quality.md)
        "Divides the logits of what is drawn.",
    )
    top_k: int = changed(
        ChainOptions,
        "top_k",
        0,
        "Draw only from the k most probable tokens; 0 is all. Under mh and anneal a token of the sentence "
        "that is not among them stays until its surroundings make it more probable.",
    )
    chains: int | None = changed(
        ChainOptions,
        "chains",
        None,
        "Chains a row (default one for each text). Fewer give several texts each, the last ones first; more "
        "only tell how well they agree.",
    )
    length: Span = field(
        (12, 24),
        "Number of characters of a free sample; white space does not count.",
        CHAIN,
        metavar="MIN-MAX",
    )
    keep: Words = field((), "Part of the sentence that may not change.", CHAIN, max_length=MAX_KEPT)
    sweeps: Count = field(
        20, "Sweeps per chain; a sweep is as many draws as there are free positions.", CHAIN
    )
    burn_in: Whole | None = field(None, "Initial sweeps that are discarded (default: a third).", CHAIN)
    thin: Count = field(1, "Record every n-th sweep after that.", CHAIN)
    best_of: Count | None = field(
        None,
        "Recorded states of a chain, the last ones, of which the best is the text: one that says nothing "
        f"twice, with the highest pseudo-log-probability (default {BEST_OF}; 1 with {{@chains}}, mh and "
        "anneal).",
        CHAIN,
    )

    @property
    def burnt(self) -> int:
        """Sweeps left out at the start of a chain."""
        return self.sweeps // 3 if self.burn_in is None else self.burn_in

    @property
    def states(self) -> int:
        """Texts that a chain gives."""
        return -(-self.num_candidates // self.parallel)

    @property
    def recorded(self) -> int:
        """States that a chain records."""
        return (self.sweeps - self.burnt) // self.thin

    @property
    def states_each(self) -> int:
        """States of which a text is the best."""
        if self.best_of is not None:
            return self.best_of
        # where a chain gives several texts, their states would depend on their number
        plain = self.method != "gibbs" or self.chains is not None
        return 1 if plain else min(BEST_OF, self.recorded)

    @model_validator(mode="after")
    def _combination(self) -> Self:
        for name, (other, values) in TAKERS.items():
            if name in self.model_fields_set and (value := getattr(self, other)) not in values:
                raise needs(name, self, other, values, value)
        if self.burnt + self.thin > self.sweeps:
            nothing = "{@burn_in} {burnt} and {@thin} {thin} leave nothing of {@sweeps} {sweeps}"
            raise OptionError(nothing, burnt=self.burnt, **vars(self))
        if self.method == "anneal" and self.states > 1:
            raise OptionError(
                "{@method} anneal finds one text a chain: {@chains} {chains} is below "
                "{@num_candidates} {num_candidates}",
                **vars(self),
            )
        wanted = self.states * (self.best_of or 1)
        if wanted > self.recorded:
            raise OptionError(
                "{@num_candidates} {num_candidates} from {@chains} {chains} are {states} states of each, and "
                "{@sweeps} {sweeps} record {recorded}"
                if self.best_of in (None, 1)
                else "{@num_candidates} {num_candidates} with {@best_of} {best_of} are {states} states of "
                "each chain, and {@sweeps} {sweeps} record {recorded}",
                states=wanted,
                recorded=self.recorded,
                **vars(self),
            )
        return self
