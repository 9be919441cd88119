"""ROUGE: how much of a reference a text repeats, by characters or by words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean
from typing import Literal

from textgen.text.subsequence import common_subsequence, subsequence_rows

Segment = Callable[[str], Sequence[str]]
Variant = Literal["google", "set"]
SENTENCE_END = "."  # of rouge 1.0.0
NEARLY_ZERO = 1e-8  # of rouge 1.0.0, in the denominator of its F1


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


def rouge(hypothesis: str, reference: str, *, segment: Segment = list, variant: Variant = "google") -> Rouge:
    """Scores one text against one reference, by characters unless told otherwise.

    `google`: white space is dropped and case kept. The scores are those of Google's rouge-score with a
    character tokenizer, so a text of one character has no pairs and its rouge2 is 0.

    `set`: what the package rouge 1.0.0 gives for the lower-cased text with a space after every
    character, as in bert4keras and the tables of Chinese titles made with it (苏剑林,
    https://kexue.fm/archives/7259). ROUGE-1 and ROUGE-2 count as usual; ROUGE-L counts every character
    once however often it occurs; a full stop "." ends a sentence and is dropped.

    Args:
        hypothesis: The text to score.
        reference: What it should have been.
        segment: What splits a text into the units that are compared; see `words.words`.
        variant: Whose convention.

    Returns:
        The scores; all 0 if either text is empty.
    """
    if variant == "set":
        return _set_rouge(_sentences(segment(hypothesis)), _sentences(segment(reference)))
    left, right = _units(segment(hypothesis)), _units(segment(reference))
    return Rouge(
        rouge1=_ngram_f1(left, right, 1, _f1),
        rouge2=_ngram_f1(left, right, 2, _f1),
        rougeL=_subsequence_f1(left, right),
    )


def rouge_l(hypothesis: str, reference: str) -> float:
    """ROUGE-L alone, by characters; see `rouge`."""
    return _subsequence_f1(_units(hypothesis), _units(reference))


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


def ngrams(units: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    """The counts of all runs of `size` units."""
    return Counter(zip(*(units[start:] for start in range(size)), strict=False))


def _units(tokens: Sequence[str]) -> list[str]:
    return [token for token in tokens if not token.isspace()]


def _ngram_f1(
    left: Sequence[str], right: Sequence[str], size: int, f1: Callable[[int, int, int], float]
) -> float:
    ours, theirs = ngrams(left, size), ngrams(right, size)
    return f1((ours & theirs).total(), ours.total(), theirs.total())


def _subsequence_f1(left: Sequence[str], right: Sequence[str]) -> float:
    return _f1(common_subsequence(left, right), len(left), len(right))


def _f1(common: int, left: int, right: int) -> float:
    """F1 of precision common/left and recall common/right, in the form that needs no division by 0."""
    return 2 * common / (left + right) if common else 0.0


def _sentences(tokens: Sequence[str]) -> list[list[str]]:
    """Sentences as words, the way rouge 1.0.0 splits: what lies blank between full stops is an empty word."""
    spaced = " ".join(tokens).lower()
    return [part.split() or [""] for part in spaced.split(SENTENCE_END) if part]


def _set_rouge(left: list[list[str]], right: list[list[str]]) -> Rouge:
    if not left or not right:
        return Rouge(0.0, 0.0, 0.0)
    ours, theirs = list(chain.from_iterable(left)), list(chain.from_iterable(right))
    common = {unit for a in left for b in right for unit in _subsequence_units(a, b)}
    return Rouge(
        rouge1=_ngram_f1(ours, theirs, 1, _guarded_f1),
        rouge2=_ngram_f1(ours, theirs, 2, _guarded_f1),
        rougeL=_guarded_f1(len(common), len(set(ours)), len(set(theirs))),
    )


def _guarded_f1(common: int, left: int, right: int) -> float:
    """F1 as rouge 1.0.0 computes it, down to the last digit."""
    precision = common / left if left else 0.0
    recall = common / right if right else 0.0
    return 2.0 * ((precision * recall) / (precision + recall + NEARLY_ZERO))


def _subsequence_units(left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    """The units of one longest common subsequence, last first: of several the one rouge 1.0.0 finds."""
    rows = [(1 << len(left)) - 1, *subsequence_rows(left, right)]

    def length(i: int, j: int) -> int:
        """Of the first i units of `right` and the first j of `left`."""
        return j - (rows[i] & (1 << j) - 1).bit_count()

    i, j = len(right), len(left)
    while i and j:
        if right[i - 1] == left[j - 1]:
            yield right[i - 1]
            i, j = i - 1, j - 1
        elif length(i - 1, j) > length(i, j - 1):
            i -= 1
        else:
            j -= 1
