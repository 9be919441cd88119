"""Whether the texts of rows depend on the rows that they are computed with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textgen.backends.base import Backend
from textgen.errors import DataError
from textgen.schema import Record

TOLERANCE = 1e-4  # of scores, in nats


@dataclass(frozen=True)
class Sameness:
    """What alone and together have in common.

    Attributes:
        texts: Whether all texts are the same.
        difference: The largest difference of scores.
    """

    texts: bool
    difference: float

    @property
    def holds(self) -> bool:
        """Whether nothing that counts depends on other rows."""
        return self.texts and self.difference <= TOLERANCE


def sameness(backend: Backend[Any, Any], texts: Sequence[str], **options: Any) -> Sameness:
    """Generate for texts, each alone, all together in another order, and every second one without the others.

    Raises:
        DataError: A text cannot be used.
    """
    alone = [backend.generate(text, **options)[0] for text in texts]
    together = backend.generate(reversed(texts), **options)[::-1]
    fewer = backend.generate(texts[::2], **options)
    pairs = [*zip(alone, together, strict=True), *zip(alone[::2], fewer, strict=True)]
    for record in (one for pair in pairs for one in pair):
        if record.error:
            raise DataError("{error}", error=record.error)
    scores = [(x.score, y.score) for a, b in pairs for x, y in zip(a.candidates, b.candidates, strict=False)]
    return Sameness(
        all(_texts(a) == _texts(b) for a, b in pairs),
        max((_difference(*pair) for pair in scores), default=0.0),
    )


def _difference(x: float, y: float) -> float:
    """How far scores lie apart; two of -inf are the same, and one that is no number is like no other."""
    if x == y:
        return 0.0
    return math.inf if math.isnan(x - y) else abs(x - y)


def _texts(record: Record) -> list[str]:
    return [candidate.text for candidate in record.candidates]
