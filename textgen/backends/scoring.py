"""From options to the decoding layer: which filters, which strategy, which random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from textgen.decoding import filters
from textgen.decoding.filters import Filter
from textgen.decoding.scoring import Scoring
from textgen.options import DecodingOptions
from textgen.tokenizers.base import Tokenizer


def scoring_for(
    options: DecodingOptions,
    tokenizer: Tokenizer,
    allowed: Tensor,
    *,
    given: int,
    law: Sequence[Filter] = (),
) -> Scoring:
    """The filters that the options ask for.

    Args:
        options: Validated.
        tokenizer: Its end symbol and padding are exempt from penalties, its bytes from n-grams.
        allowed: `(vocab,)`, ids of the task.
        given: How many ids the histories start with; the first piece after them may not be the end.
        law: Filters that belong to the task.
    """
    specials = tokenizer.specials
    exempt = {specials.eos, specials.pad}
    soft: list[Filter] = []
    if options.repetition_penalty != 1:
        soft.append(partial(filters.repetition_penalty, penalty=options.repetition_penalty, exempt=exempt))
    hard: list[Filter] = [partial(filters.least_length, length=given + 1, eos=specials.eos)]
    if options.no_repeat_ngram:
        # a character without a piece shares bytes with others; and a row must never run out of pieces
        spared = exempt | tokenizer.vocabulary.byte_ids
        hard.insert(0, partial(filters.no_repeat_ngram, n=options.no_repeat_ngram, exempt=spared))
    return Scoring(allowed, law, soft, hard, _draw_filters(options))


def _draw_filters(options: DecodingOptions) -> list[Filter]:
    """Sampling filters in their fixed order; what would change nothing is left out."""
    wanted: list[tuple[bool, Filter]] = [
        (options.temperature != 1, lambda ids, scores: filters.temperature(scores, options.temperature)),
        (options.top_k > 0, lambda ids, scores: filters.top_k(scores, options.top_k)),
        (options.top_p < 1, lambda ids, scores: filters.top_p(scores, options.top_p)),
        (options.min_p > 0, lambda ids, scores: filters.min_p(scores, options.min_p)),
        (options.typical_p < 1, lambda ids, scores: filters.typical(scores, options.typical_p)),
    ]
    return [apply for is_wanted, apply in wanted if is_wanted]
