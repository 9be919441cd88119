"""Diverse beam search (Vijayakumar et al. 2016, https://arxiv.org/abs/1610.02424)."""

from __future__ import annotations

from textgen.options.fields import DECODING, Count, NonNegative, OptionGroup, field
from textgen.options.strategies.beams import DEFAULT_BEAMS, BeamOptions, LengthOptions
from textgen.options.strategies.strategy import Strategy


class DiverseOptions(OptionGroup):
    """The options of diverse beam search beside those of beams."""

    groups: Count | None = field(None, "Groups of a diverse beam (default: one per hypothesis).", DECODING)
    diversity_penalty: NonNegative = field(
        1.0, "Penalty on a token for each earlier group that chose it in the same step.", DECODING
    )


DIVERSE = Strategy(
    name="diverse",
    description="groups of beams that avoid each other's tokens",
    search="textgen.decoding.search.diverse:search",
    groups=(BeamOptions, LengthOptions, DiverseOptions),
    width=DEFAULT_BEAMS,
)
