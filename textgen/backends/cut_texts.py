"""What a row's record says of texts that were cut at the most pieces they could have."""

from __future__ import annotations

from collections.abc import Sequence

from textgen.options import DecodingOptions, Options
from textgen.schema import Candidate


def cut_notes(candidates: Sequence[Candidate], options: Options) -> tuple[str, ...]:
    """A note if `--max-new-tokens` cut a text, which its `finish_reason` (`length`) tells; else none."""
    cut = sum(candidate.finish_reason == "length" for candidate in candidates)
    if not cut or not isinstance(options, DecodingOptions):
        return ()
    which = "the text was" if len(candidates) == 1 else f"{cut} of {len(candidates)} texts were"
    return (f"{which} cut at --max-new-tokens {options.max_new_tokens}",)
