"""The order of what may stand in the blanks of a passage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, zip_longest
from math import exp, inf, log

from textgen.backends.editing.passages import Fills, Judge, Passage
from textgen.text.words import frequency, part_of_speech, words

CLOSE = 24  # so many of the best, or twice as many as are wanted, are looked at closely
# weights of the search, chosen by 99 words taken out of real sentences (docs/quality.md). Fitted ones put
# about as many of these first, and do worse on blanks whose sentence says what must stand there
FAR = 0.5  # weight of the log-probability of what is far behind a blank
ONE_WORD = 4.0  # nats that each word of a fill costs
RARE = 0.1  # exponent of the frequency of a fill, which divides: language models love what is frequent
EDGE = 3.0  # gain for each end of a fill where a word of the whole ends, too
SAID = 5.0  # cost of each content word that the passage has already
CONTENT = ("n", "v", "a", "s")  # how the tags of content words begin
KIND = "logprob+0.5*length+0.5*context"  # the formula of the score of a choice
KIND_OF_SEARCH = f"{KIND}+0.5*filled-words"


def ranked(judge: Judge, passage: Passage, ways: Sequence[Fills], count: int) -> list[tuple[Fills, float]]:
    """The best ways to fill a passage with their scores, best first.

    Args:
        judge: What the models think.
        passage: The passage.
        ways: The candidates.
        count: So many are wanted.
    """
    decode = judge.models.tokenizer.decode
    given = [decode(list(part)) for part in passage.given]
    texts = [[decode(list(fill)) for fill in fills] for fills in ways]
    fluent = judge.fluency(passage, ways, FAR)
    scores = [score - sum(map(_cost, each)) for each, score in zip(texts, fluent, strict=True)]
    close = sorted(range(len(ways)), key=lambda n: -scores[n])[: max(CLOSE, 2 * count)]
    close = [n for n in close if scores[n] > -inf]
    some = [ways[n] for n in close]
    support, expected = judge.support(passage, some), judge.expectation(passage, some)
    found = [
        (
            ways[n],
            scores[n] + beside + within + EDGE * edges(given, texts[n]) - SAID * said_again(given, texts[n]),
        )
        for n, beside, within in zip(close, support, expected, strict=True)
    ]
    return sorted(found, key=lambda pair: -pair[1])[:count]


def _cost(fill: str) -> float:
    """The cost of the words of a fill, the less the rarer it is."""
    return ONE_WORD * len(words(fill)) + RARE * log(1 + frequency(fill))


def edges(given: Sequence[str], fills: Sequence[str]) -> int:
    """How many ends of what fills blanks are ends of words of the whole.

    Args:
        given: What stands between the blanks, and at the ends.
        fills: What fills them.
    """
    parts = [part for pair in zip_longest(given, fills, fillvalue="") for part in pair]
    ends = set(accumulate(map(len, words("".join(parts))), initial=0))
    places = list(accumulate(map(len, parts), initial=0))
    return sum(place in ends for place in places[1 : 2 * len(fills) + 1])


def said_again(given: Sequence[str], fills: Sequence[str]) -> int:
    """How many content words of what fills blanks stand elsewhere in the whole.

    Args:
        given: What stands between the blanks, and at the ends.
        fills: What fills them.
    """
    count = 0
    for n, fill in enumerate(fills):
        others = "\n".join([*given, *fills[:n]])
        new = (word for word in words(fill) if word in others)
        count += sum(part_of_speech(word).startswith(CONTENT) for word in new)
    return count


def shares(scores: Sequence[float]) -> list[float]:
    """The probabilities of choices by their scores; all equal where none is possible."""
    best = max(scores)
    weights = [exp(score - best) if best > -inf else 1.0 for score in scores]
    return [weight / sum(weights) for weight in weights]
