"""Notes on texts that end because they reached the most tokens they may have."""

from __future__ import annotations

from collections.abc import Sequence

from textgen.messages import Message
from textgen.options import ContinueOptions, DecodingOptions, Options
from textgen.schema import Candidate


def cut_notes(candidates: Sequence[Candidate], options: Options) -> tuple[str, ...]:
    """A note if a text ends by its length, which its `finish_reason` (`length`) tells; else none.

    A continuation that is to end with a sentence has run on by then, and is kept whole.
    """
    cut = [candidate for candidate in candidates if candidate.finish_reason == "length"]
    if not cut or not isinstance(options, DecodingOptions):
        return ()
    one = len(candidates) == 1
    if isinstance(options, ContinueOptions) and options.ends_at == "sentence":
        which = "the text" if one else f"{len(cut)} of {len(candidates)} texts"
        most = max(candidate.tokens for candidate in cut)
        return (f"no sentence ended in {which}: left as it is, with up to {most} tokens",)
    which = "the text was" if one else f"{len(cut)} of {len(candidates)} texts were"
    most = options.max_new_tokens
    return (Message("{which} cut at {@max_new_tokens} {most}", which=which, most=most),)
