"""Beam search, and constrained beam search where there are keywords."""

from textgen.options.strategies.beams import DEFAULT_BEAMS, BeamOptions, LengthOptions
from textgen.options.strategies.strategy import Strategy

BEAM = Strategy(
    name="beam",
    description="the best texts that a beam finds; the one strategy that takes keywords",
    search="textgen.decoding.search.beam:search",
    constrained="textgen.decoding.search.constrained:search",
    groups=(BeamOptions, LengthOptions),
    width=DEFAULT_BEAMS,
    side_by_side=True,
)
