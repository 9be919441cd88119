"""Synchronous bidirectional beam search: both directions at once, seeing each other (https://kexue.fm/archives/6877)."""

from __future__ import annotations

from textgen.options.fields import DECODING, OptionGroup, field
from textgen.options.strategies.beams import DEFAULT_BEAMS, BeamOptions, LengthOptions
from textgen.options.strategies.strategy import Strategy


class BidirectionalOptions(OptionGroup):
    """The options of bidirectional search beside those of beams."""

    interaction: bool | None = field(
        None,
        "Let the two directions attend to each other (default: if the model was trained for it).",
        DECODING,
    )


BIDIRECTIONAL = Strategy(
    name="bidirectional",
    description="both directions at once, each seeing what the other writes",
    search="textgen.decoding.search.bidirectional:search",
    groups=(BeamOptions, LengthOptions, BidirectionalOptions),
    view="two-way",
    width=DEFAULT_BEAMS,
)
