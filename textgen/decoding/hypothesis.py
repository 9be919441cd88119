"""Hypotheses, their scores, and the pool in which finished texts compete."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hypothesis:
    """A text found by search.

    Attributes:
        ids: Its tokens in writing order, the end symbol included if it was written.
        logprob: Log-probability under the restricted model; None where the search has none to tell.
        total: Sum of the search scores.
        score: What ranks it.
        reason: `stop`, `length`, `sentence` or `loop`.
        lane: Which of several searches that compete found it: a group of a diverse beam, a direction.
    """

    ids: list[int]
    logprob: float | None
    total: float
    score: float
    reason: str
    lane: int = 0


@dataclass(frozen=True)
class Length:
    """Normalisation of scores by length, and the limit of length.

    Attributes:
        limit: Most tokens, the end symbol included.
        penalty: Exponent a; 0 leaves the sum as it is.
        gnmt: Divide by `((5 + length) / 6) ** a` (Wu et al. 2016, https://arxiv.org/abs/1609.08144)
            instead of `length ** a`.
        early: Take an unfinished hypothesis for what it is now, not for what it may become.
    """

    limit: int
    penalty: float = 1.0
    gnmt: bool = False
    early: bool = False

    def score(self, total: float, length: int) -> float:
        """The ranking score of a sum of search scores."""
        base = (5 + length) / 6 if self.gnmt else float(length)
        return total / float(base**self.penalty)

    def bound(self, total: float, length: int) -> float:
        """The best score that an unfinished hypothesis of this length can still reach.

        Its sum can only fall, so the kindest case is to end at once; a positive exponent is kinder to
        the longest text. Valid only where no step adds a positive score. With `early` it is the score of
        ending at once, which a hypothesis may still exceed.
        """
        kindest = self.limit if self.penalty > 0 and not self.early else length + 1
        return self.score(total, kindest)


@dataclass
class Pool:
    """The best hypotheses of one source: the finished, best first, then what was cut at the limit.

    Attributes:
        size: How many are kept.
        length: Scores and bounds.
    """

    size: int
    length: Length
    kept: list[Hypothesis] = field(default_factory=list)

    def add(
        self,
        ids: list[int],
        logprob: float,
        total: float,
        reason: str,
        lane: int = 0,
        rank: float | None = None,
    ) -> None:
        """Let a text in, to compete by its rank, else its total; of too many the worst goes, or the later."""
        score = self.length.score(total if rank is None else rank, len(ids))
        self.kept.append(Hypothesis(ids, logprob, total, score, reason, lane))
        self.kept.sort(key=lambda hypothesis: (hypothesis.reason != "stop", -hypothesis.score))
        del self.kept[self.size :]

    def closed_to(self, total: float, written: int) -> bool:
        """Tell whether no unfinished hypothesis with this sum could still come in, by `Length.bound`."""
        return len(self.kept) == self.size and self.length.bound(total, written) <= self.kept[-1].score
