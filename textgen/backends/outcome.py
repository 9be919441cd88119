"""Rows on their way through a backend: prepared for the model, and with what was found for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from textgen.errors import DataError
from textgen.schema import Candidate, Row


@dataclass(frozen=True)
class Found:
    """What was found for a row.

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
    """

    row: Row
    size: int
    input_tokens: int
    used_tokens: int
    notes: tuple[str, ...] = field(default=(), kw_only=True)
