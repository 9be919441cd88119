"""Named scores, and which of the candidates are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textgen.schema import Candidate


def score_kind(length_penalty: float) -> str:
    """The name of the formula `log-probability / tokens ** length_penalty`."""
    if length_penalty == 0:
        return "logprob"
    return "mean_logprob" if length_penalty == 1 else f"logprob/tokens^{length_penalty:g}"


def distinct(candidates: Iterable[Candidate], n: int) -> list[Candidate]:
    """The first n candidates whose texts differ."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.text, candidate)
    return list(found.values())[:n]


def best(
    candidates: Iterable[Candidate], n: int, by: Callable[[Candidate], float] | None = None
) -> list[Candidate]:
    """The n best distinct candidates, best first; equal scores stay in order."""
    key = by or (lambda candidate: candidate.score)
    return distinct(sorted(candidates, key=lambda candidate: -key(candidate)), n)
