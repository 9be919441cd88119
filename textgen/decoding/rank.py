"""The ranking of candidates, and the names of their scores.

A text that was found left to right or right to left has a log-probability in either direction, and both
together say more than one: `agree` adds them. Minimum Bayes risk (`mbr`; Kumar & Byrne 2004,
https://aclanthology.org/N04-1022) takes the text that the others resemble most: the highest expected
ROUGE-L by characters, the pool standing for the distribution. `blend` adds the mean log-probability of a
token to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp

from textgen.metrics.overlap import rouge_l
from textgen.schema import Candidate

# Chosen on 234 articles that the shipped title model was not trained on, with the titles of beams of 8 in
# either direction: a plateau, on which neighbouring values do as well.
TEMPERATURE = 10.0
REFERENCES = 128  # of a larger pool, so that ranking takes no longer than searching
TOKEN_WEIGHT = 0.2  # of a nat of mean log-probability a token, against expected ROUGE-L from 0 to 1


@dataclass(frozen=True)
class Contender:
    """A candidate as the rankings see it.

    Attributes:
        text: The text.
        tokens: Its tokens, the end symbol included.
        forward: Its log-probability from left to right.
        backward: Its log-probability from right to left.
    """

    text: str
    tokens: int
    forward: float
    backward: float


Ranking = Callable[[Sequence[Contender]], list[float]]


def agree(pool: Sequence[Contender]) -> list[float]:
    """The sum of both directions' log-probabilities, the higher the better."""
    return [one.forward + one.backward for one in pool]


def expected_rouge(pool: Sequence[Contender], temperature: float = TEMPERATURE) -> list[float]:
    """Expected ROUGE-L, 0 to 1, against the pool itself.

    Args:
        pool: The candidates. They are also the references, the likeliest 128 of them; each weighs
            `exp(mean log-probability of both directions / temperature)`.
        temperature: Above 1 spreads the weights: a beam's pool holds the likeliest texts only.
    """
    sums = agree(pool)
    references = sorted(range(len(pool)), key=lambda n: -sums[n])[:REFERENCES]
    weights = [exp((sums[n] - max(sums)) / 2 / temperature) for n in references]
    whole = sum(weights)
    return [
        sum(w * rouge_l(one.text, pool[n].text) for w, n in zip(weights, references, strict=True)) / whole
        for one in pool
    ]


def blend(pool: Sequence[Contender]) -> list[float]:
    """Expected ROUGE-L, and the log-probability of a token (the mean of both directions).

    What the other candidates agree on, corrected by what the model itself thinks of the text.
    """
    expected = expected_rouge(pool)
    sums = zip(expected, pool, agree(pool), strict=True)
    return [value + TOKEN_WEIGHT * both / 2 / one.tokens for value, one, both in sums]


RANKINGS: dict[str, tuple[Ranking, str]] = {
    "agree": (agree, "logprob_l2r+logprob_r2l"),
    "mbr": (expected_rouge, "expected_rouge_l"),
    "blend": (blend, f"expected_rouge_l+{TOKEN_WEIGHT:g}*mean_logprob"),
}


def score_kind(length_penalty: float, *, gnmt: bool = False, penalized: bool = False) -> str:
    """The name of the formula `log-probability / tokens ** length_penalty`.

    Args:
        length_penalty: The exponent.
        gnmt: Whether the divisor is `((5 + tokens) / 6) ** length_penalty`.
        penalized: Whether the log-probability is that after penalties on what is already there.
    """
    divisor = "((5+tokens)/6)" if gnmt else "tokens"
    name = f"logprob/{divisor}^{length_penalty:g}"
    if not gnmt or length_penalty == 0:
        name = {0.0: "logprob", 1.0: "mean_logprob"}.get(length_penalty, name)
    return f"penalized_{name}" if penalized else name


def distinct(candidates: Iterable[Candidate], n: int) -> list[Candidate]:
    """The first n candidates whose texts differ."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.text, candidate)
    return list(found.values())[:n]
