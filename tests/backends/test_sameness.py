"""`sameness` tells texts that depend on the batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from textgen.backends.sameness import sameness
from textgen.errors import DataError
from textgen.schema import Candidate, Record


class Writer:
    """Gives the records that a function makes of a text and of how many there are."""

    def __init__(self, made: Callable[[str, int], Record]) -> None:
        self.made = made

    def generate(self, texts: str | Iterable[str], **_: Any) -> list[Record]:
        rows = [texts] if isinstance(texts, str) else [*texts]
        return [self.made(text, len(rows)) for text in rows]


def written(text: str, score: float) -> Record:
    return Record("1", [Candidate(text, score, "mean_logprob", None, 1, "stop")], "model")


def found(made: Callable[[str, int], Record]) -> Any:
    backend: Any = Writer(made)
    return sameness(backend, ["甲", "乙乙", "丙丙丙"])


def test_the_same_texts_with_the_same_scores() -> None:
    alike = found(lambda text, rows: written(text, len(text)))
    assert (alike.texts, alike.difference, alike.holds) == (True, 0.0, True)


def test_scores_that_depend_on_the_number_of_rows() -> None:
    differing = found(lambda text, rows: written(text, rows * 1e-3))
    assert differing.texts
    assert differing.difference == pytest.approx(2e-3)
    assert not differing.holds


def test_scores_that_are_not_finite() -> None:
    assert found(lambda text, rows: written(text, -math.inf)).holds
    assert not found(lambda text, rows: written(text, -math.inf if rows == 1 else 0.0)).holds
    assert not found(lambda text, rows: written(text, math.nan if len(text) == 2 else 0.0)).holds


def test_a_text_that_depends_on_the_rows_it_stands_among() -> None:
    differing = found(lambda text, rows: written("丁" if rows == 2 and text == "丙丙丙" else text, 0.0))
    assert not differing.texts
    assert not differing.holds


def test_a_text_that_cannot_be_used() -> None:
    with pytest.raises(DataError, match="too long"):
        found(lambda text, rows: Record("1", [], "model", error="too long"))
