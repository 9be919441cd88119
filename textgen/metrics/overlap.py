"""Character ROUGE: how much of a reference a text repeats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Rouge:
    """ROUGE scores as F1, each from 0 to 1.

    Attributes:
        rouge1: Overlap of single characters.
        rouge2: Overlap of pairs of neighbouring characters.
        rougeL: Longest common subsequence.
    """

    rouge1: float
    rouge2: float
    rougeL: float  # noqa: N815 - the metric's name


def rouge(hypothesis: str, reference: str) -> Rouge:
    """Scores one text against one reference, by characters.

    White space is dropped and case kept. The scores are those of Google's rouge-score with a
    character tokenizer, so a text of one character has no pairs and its rouge2 is 0.

    Args:
        hypothesis: The text to score.
        reference: What it should have been.

    Returns:
        The scores; all 0 if either text is empty.
    """
    left = "".join(hypothesis.split())
    right = "".join(reference.split())
    return Rouge(
        rouge1=_ngram_f1(left, right, 1),
        rouge2=_ngram_f1(left, right, 2),
        rougeL=_f1(_common_subsequence(left, right), len(left), len(right)),
    )


def mean_rouge(hypotheses: Sequence[str], references: Sequence[str]) -> Rouge:
    """Averages the scores of many texts, each row counting the same.

    Args:
        hypotheses: The texts to score, one a row.
        references: Their references, in the same order.

    Returns:
        The mean of each score over the rows.

    Raises:
        ValueError: The two differ in length, or there are no rows.
    """
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses but {len(references)} references")
    if not hypotheses:
        raise ValueError("no rows to score")
    rows = [rouge(*pair) for pair in zip(hypotheses, references, strict=True)]
    return Rouge(
        rouge1=fmean(row.rouge1 for row in rows),
        rouge2=fmean(row.rouge2 for row in rows),
        rougeL=fmean(row.rougeL for row in rows),
    )


def _ngram_f1(left: str, right: str, size: int) -> float:
    ours, theirs = _ngrams(left, size), _ngrams(right, size)
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def _ngrams(text: str, size: int) -> Counter[str]:
    return Counter(text[start : start + size] for start in range(len(text) - size + 1))


def _f1(common: int, left: int, right: int) -> float:
    """F1 of precision common/left and recall common/right, in the form that needs no division by 0."""
    return 2 * common / (left + right) if common else 0.0


def _common_subsequence(left: str, right: str) -> int:
    """Length of the longest common subsequence, a row of the table at a time in the bits of one integer.

    Allison & Dix, "A bit-string longest-common-subsequence algorithm" (1986), in the form of Hyyrö,
    "Bit-parallel LCS-length computation revisited" (2004): a 0 bit marks a step up within the row.
    """
    places: dict[str, int] = {}
    for index, character in enumerate(left):
        places[character] = places.get(character, 0) | 1 << index
    full = (1 << len(left)) - 1
    row = full
    for character in right:
        matches = row & places.get(character, 0)
        row = (row + matches | row - matches) & full
    return len(left) - row.bit_count()
