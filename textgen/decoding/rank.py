"""Named scores, and which of the candidates are reported."""

from __future__ import annotations

from collections.abc import Iterable

from textgen.schema import Candidate


def score_kind(length_penalty: float, *, penalized: bool = False) -> str:
    """The name of the formula `log-probability / tokens ** length_penalty`.

    Args:
        length_penalty: The exponent.
        penalized: Whether the log-probability is that after a repetition penalty.
    """
    name = f"logprob/tokens^{length_penalty:g}"
    name = {0.0: "logprob", 1.0: "mean_logprob"}.get(length_penalty, name)
    return f"penalized_{name}" if penalized else name


def distinct(candidates: Iterable[Candidate], n: int) -> list[Candidate]:
    """The first n candidates whose texts differ."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.text, candidate)
    return list(found.values())[:n]


def best(candidates: Iterable[Candidate], n: int) -> list[Candidate]:
    """The n best distinct candidates, best first; equal scores stay in order."""
    return distinct(sorted(candidates, key=lambda candidate: -candidate.score), n)
