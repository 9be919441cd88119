"""The filters of the distribution that is drawn from."""

from __future__ import annotations

from textgen.options.fields import SAMPLING, Fraction, OptionGroup, Portion, Share, Whole, field

MIN_TEMPERATURE = 1e-4  # less overflows float32 logits; greedy is the limit
CONTRASTIVE_TOP_K = 4  # of contrastive search where nothing is said


class SamplingOptions(OptionGroup):
    """The options of strategies that draw; applied in this order."""

    temperature: float = field(1.0, "Divides the logits.", SAMPLING, ge=MIN_TEMPERATURE)
    top_k: Whole = field(
        0,
        f"Keep the k most probable tokens; 0 keeps all (contrastive search: {CONTRASTIVE_TOP_K}).",
        SAMPLING,
    )
    top_p: Portion = field(1.0, "Keep the smallest set of most probable tokens with mass p.", SAMPLING)
    min_p: Share = field(0.0, "Keep tokens at least this share as probable as the best.", SAMPLING)
    typical_p: Portion = field(
        1.0, "Keep the smallest set of mass p nearest to the entropy (locally typical sampling).", SAMPLING
    )
    epsilon_cutoff: Fraction = field(0.0, "Keep tokens at least this probable; 0 keeps all.", SAMPLING)
    eta_cutoff: Fraction = field(0.0, "The same, but lower where the entropy is high; 0 keeps all.", SAMPLING)
