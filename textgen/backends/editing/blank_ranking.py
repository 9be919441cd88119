"""The order of what may stand in the blanks of a passage."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log

from textgen.backends.editing.passages import Fills, Judge, Passage
from textgen.text.words import frequency, words

CLOSE = 16  # so many of the best, or twice as many as are wanted, are looked at closely
ONE_WORD = 2.0  # nats that each word of a fill costs
RARE = 0.1  # exponent of the frequency of a fill, which divides: language models love what is frequent
KIND = "logprob+0.5*length+0.5*context"  # the formula of the score of a choice
KIND_OF_SEARCH = f"{KIND}-words"


def ranked(judge: Judge, passage: Passage, ways: Sequence[Fills], count: int) -> list[tuple[Fills, float]]:
    """The best ways to fill a passage with their scores, best first.

    Args:
        judge: What the models think.
        passage: The passage.
        ways: The candidates.
        count: So many are wanted.
    """
    decode = judge.models.tokenizer.decode
    fluent = judge.fluency(passage, ways)
    scores = [
        score - sum(_cost(decode(list(fill))) for fill in fills)
        for fills, score in zip(ways, fluent, strict=True)
    ]
    close = sorted(range(len(ways)), key=lambda n: -scores[n])[: max(CLOSE, 2 * count)]
    close = [n for n in close if scores[n] > -inf]
    support = judge.support(passage, [ways[n] for n in close])
    found = [(ways[n], scores[n] + more) for n, more in zip(close, support, strict=True)]
    return sorted(found, key=lambda pair: -pair[1])[:count]


def _cost(fill: str) -> float:
    """The cost of the words of a fill, the less the rarer it is."""
    return ONE_WORD * len(words(fill)) + RARE * log(max(1, frequency(fill)))


def shares(scores: Sequence[float]) -> list[float]:
    """The probabilities of choices by their scores; all equal where none is possible."""
    best = max(scores)
    weights = [exp(score - best) if best > -inf else 1.0 for score in scores]
    return [weight / sum(weights) for weight in weights]
