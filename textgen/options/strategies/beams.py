"""The options of strategies that keep several hypotheses."""

from __future__ import annotations

from typing import Literal

from textgen.options.fields import DECODING, OptionGroup, Penalty, field

DEFAULT_BEAMS = 4
RANKED_BEAMS = 8  # of titles, in each direction, that more than their own log-probability ranks
MAX_BEAMS = 256


class BeamOptions(OptionGroup):
    """The width of a beam."""

    beams: int | None = field(
        None,
        f"Number of hypotheses, per direction (default {DEFAULT_BEAMS}; {RANKED_BEAMS} for ranked titles; "
        "{@num_candidates} for stochastic; never fewer than {@num_candidates}).",
        DECODING,
        ge=1,
        le=MAX_BEAMS,
    )


class LengthOptions(OptionGroup):
    """The normalisation of scores by length."""

    length_penalty: Penalty = field(
        1.0, "Exponent a of the length that divides a hypothesis's score.", DECODING
    )
    length_norm: Literal["power", "gnmt"] = field(
        "power", "Divide by tokens^a, or by ((5 + tokens) / 6)^a (gnmt).", DECODING
    )
    early_stopping: bool = field(
        False,
        "End a search when no unfinished hypothesis, as it stands, beats the worst of those kept; "
        "without, when none can any more.",
        DECODING,
    )
