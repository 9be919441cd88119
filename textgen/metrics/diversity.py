"""Distinct n-grams, repetition and length of texts, by characters; white space does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from textgen.metrics.overlap import ngrams
from textgen.metrics.statistics import Statistics, ratio
from textgen.text.length import characters, counted

REPEATED = 4  # characters of a run whose second occurrence is a repetition


def distinct(texts: Sequence[str], size: int) -> Statistics:
    """Different n-grams of characters by all n-grams, over all texts together.

    Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models",
    https://arxiv.org/abs/1510.03055. An n-gram that occurs k times gives each text that has it 1/k for
    every occurrence: the shares add up to the number of different ones, and in a resample they are what
    they were beside all the texts.
    """
    found = [ngrams(counted(text), size) for text in texts]
    everywhere: Counter[tuple[str, ...]] = Counter()
    for grams in found:
        everywhere.update(grams)
    shares = [sum(count / everywhere[gram] for gram, count in grams.items()) for grams in found]
    parts = [(share, grams.total()) for share, grams in zip(shares, found, strict=True)]
    return ratio(f"distinct-{size}", parts)


def repetition(texts: Sequence[str]) -> Statistics:
    """Runs of four characters that occurred before in the same text, by all such runs.

    seq-rep-4 of Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training",
    https://arxiv.org/abs/1908.04319, over the texts together.
    """
    found = [ngrams(counted(text), REPEATED) for text in texts]
    return ratio("repetition", [(grams.total() - len(grams), grams.total()) for grams in found])


def length_ratio(texts: Sequence[str], references: Sequence[str]) -> Statistics:
    """Characters of the texts by characters of their references."""
    pairs = zip(texts, references, strict=True)
    return ratio("length-ratio", [(characters(text), characters(wanted)) for text, wanted in pairs])
