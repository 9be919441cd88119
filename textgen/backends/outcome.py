"""Rows prepared for a model, and the outcomes of its work on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from textgen.errors import DataError
from textgen.messages import Message
from textgen.options import ContinueOptions, DecodingOptions, Options
from textgen.schema import Candidate, Lock, Row
from textgen.text.house_style import house_style


@dataclass(frozen=True)
class Found:
    """The texts found for a row.

    Attributes:
        candidates: In the order to be reported.
        notes: What a person should know of them.
    """

    candidates: list[Candidate]
    notes: tuple[str, ...] = ()


# what became of a row, or why it has no candidates
Outcome: TypeAlias = list[Candidate] | Found | DataError


@dataclass(frozen=True)
class Prepared:
    """A row ready for the model.

    Attributes:
        row: The input.
        size: Ids that are computed together; rows of the same padded size may share a batch.
        input_tokens: Ids of the whole input.
        used_tokens: How many of them the model reads.
        notes: What a person should know of the row.
        locks: What of its text is locked, for its record; None where nobody asked.
    """

    row: Row
    size: int
    input_tokens: int
    used_tokens: int
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    locks: tuple[Lock, ...] | None = field(default=None, kw_only=True)


def in_house_style(candidates: Sequence[Candidate], options: Options, given: int = 0) -> list[Candidate]:
    """Candidates in the style of the house that is asked for; all places in their texts hold.

    Args:
        candidates: As a backend found them.
        options: With the style.
        given: So many characters at the start of each were not written, and stay as they are.
    """
    if options.width is None and options.quotes is None:
        return list(candidates)
    styled = [(one, house_style(one.text, options.width, options.quotes)) for one in candidates]
    return [replace(one, text=one.text[:given] + text[given:]) for one, text in styled]


def cut_notes(candidates: Sequence[Candidate], options: Options) -> tuple[str, ...]:
    """A note if a text ends by its length, which its `finish_reason` (`length`) tells; else none.

    A continuation that is to end with a sentence has run on by then, and is kept whole.
    """
    cut = [candidate for candidate in candidates if candidate.finish_reason == "length"]
    if not cut or not isinstance(options, DecodingOptions):
        return ()
    one = len(candidates) == 1
    which = Message("the text" if one else "{cut} of {all} texts", cut=len(cut), all=len(candidates))
    if isinstance(options, ContinueOptions) and options.ends_at == "sentence":
        template = "no sentence ended in {which}: left as it is, with up to {most} tokens"
        return (Message(template, which=which, most=max(candidate.tokens for candidate in cut)),)
    template = "{which} was cut at {@max_new_tokens} {most}"
    if not one:
        template = "{which} were cut at {@max_new_tokens} {most}"
    return (Message(template, which=which, most=options.max_new_tokens),)
