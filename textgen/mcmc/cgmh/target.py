"""The distribution that a chain of edits samples: log pi, a sum of weighted terms.

苏剑林, 搜出来的文本（一）：从文本生成到搜索采样, https://kexue.fm/archives/8062: fluency, relevance and hard
constraints as factors of one distribution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, inf
from typing import Protocol

from torch import Tensor

from textgen.mcmc.cgmh.edits import Context, Ids, State
from textgen.models.views import Scored, SequenceModel

Constraint = Callable[[State], bool]


class Term(Protocol):
    """A function of the state."""

    def values(self, states: Sequence[State]) -> list[float]:
        """One value a state."""


@dataclass
class Memory:
    """Results that a chain may need again at a point: a cold one stays there for long, and repeats itself.

    Attributes:
        distributions: Of the token, by what stands around it.
        proposed: Points proposed from there, with the language model's memory of the text that stays.
        ways: The neighbours of the state, if they were asked for.
        returns: For some of them, log of the probability of the way back, less that of the way there.
    """

    distributions: dict[Context, Tensor] = field(default_factory=dict)
    proposed: dict[State, Point] = field(default_factory=dict)
    ways: Sequence[State] | None = None
    returns: dict[State, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """A state, judged.

    Attributes:
        state: The state.
        scored: The language model's score of its text.
        log_target: log pi, up to a constant.
        memory: Results that belong to the point.
    """

    state: State
    scored: Scored
    log_target: float
    memory: Memory = field(default_factory=Memory, compare=False, repr=False)

    @property
    def ids(self) -> Ids:
        """The tokens of the state."""
        return self.state.ids

    def lean(self) -> Point:
        """The point without any memory, which is of no use once the chain has moved on."""
        return Point(self.state, Scored(self.scored.logprob), self.log_target)


@dataclass(frozen=True)
class Target:
    """log pi(x) = power * log p(x) + the sum of weight * term(x), where all constraints hold; else -inf.

    Attributes:
        model: The language model p, end included.
        power: Its exponent; below 1 longer texts are favoured, above 1 the most probable.
        terms: Pairs of a weight and a term.
        constraints: What must be true of every state.
    """

    model: SequenceModel
    power: float = 1.0
    terms: Sequence[tuple[float, Term]] = ()
    constraints: Sequence[Constraint] = ()

    def points(self, states: Sequence[State], parents: Sequence[Scored | None]) -> list[Point]:
        """Judge states.

        Args:
            states: The states.
            parents: Scores of texts that begin like theirs; see `SequenceModel.score`.
        """
        possible = [n for n, state in enumerate(states) if all(holds(state) for holds in self.constraints)]
        found = [Point(state, Scored(-inf), -inf) for state in states]
        if not possible:
            return found
        scored = self.model.score([states[n].ids for n in possible], [parents[n] for n in possible])
        added = [0.0] * len(possible)
        for weight, term in self.terms:
            values = term.values([states[n] for n in possible])
            added = [old + weight * value for old, value in zip(added, values, strict=True)]
        for n, score, more in zip(possible, scored, added, strict=True):
            value = self.power * score.logprob + more if score.logprob > -inf else -inf
            found[n] = Point(states[n], score, value)
        return found


@dataclass(frozen=True)
class Outside:
    """The distance of a length from the subject's range: that of the text, or that of every blank in it.

    Attributes:
        blanks: Measure the blanks between the locked spans and sum their distances.
        measure: The length of tokens; by default how many they are.
    """

    blanks: bool = False
    measure: Callable[[Ids], int] = len

    def values(self, states: Sequence[State]) -> list[float]:
        return [self.distance(state) for state in states]

    def distance(self, state: State) -> float:
        """0 for a state inside the range."""
        parts = self.parts(state)
        return sum(max(least - length, length - most, 0) for _, length, (least, most) in parts)

    def parts(self, state: State) -> list[tuple[range, int, tuple[int, int]]]:
        """The parts that have to lie in a range, each its places, its length and the range."""
        places = state.blanks if self.blanks else [range(len(state.ids))]
        ranges = state.subject.blanks if self.blanks else ()
        lengths = [self.measure(state.ids[part.start : part.stop]) for part in places]
        return list(zip(places, lengths, ranges or [state.subject.length] * len(places), strict=True))


class Length:
    """The number of tokens of a text: a reward for each, so that the end of a range is no better than its
    beginning only for being shorter."""

    def values(self, states: Sequence[State]) -> list[float]:
        return [len(state.ids) for state in states]


class Missing:
    """The number of the subject's words that a text lacks."""

    def values(self, states: Sequence[State]) -> list[float]:
        return [sum(not _holds(state.ids, word) for word in state.subject.words) for state in states]


class Shared:
    """The share of tokens that a text has in common with its source: F1 of the multisets."""

    def values(self, states: Sequence[State]) -> list[float]:
        return [_overlap(state.ids, state.subject.source) for state in states]


class Distance:
    """The number of tokens to replace, insert or delete to make the text of its source (Levenshtein)."""

    def values(self, states: Sequence[State]) -> list[float]:
        return [float(levenshtein(state.subject.source, state.ids)) for state in states]


@dataclass(frozen=True)
class TooSimilar:
    """The number of edits that a text is short of a share of its source's length.

    Attributes:
        share: Of the source's tokens that should be edited.
    """

    share: float

    def values(self, states: Sequence[State]) -> list[float]:
        return [self._short(state.subject.source, state.ids) for state in states]

    def _short(self, source: Ids, ids: Ids) -> float:
        wanted = ceil(round(self.share * len(source), 6))  # 0.15 of 20 are 3, whatever floats say
        return max(0.0, wanted - levenshtein(source, ids))


@dataclass(frozen=True)
class Repeated:
    """The number of pairs of neighbours in a text that it had before, or that are two marks.

    Language models love both, and under a low temperature nothing else would be left.

    Attributes:
        marks: Tokens that are punctuation.
    """

    marks: frozenset[int] = frozenset()

    def values(self, states: Sequence[State]) -> list[float]:
        return [self._repeated(list(pairwise(state.ids))) for state in states]

    def _repeated(self, pairs: Sequence[tuple[int, int]]) -> float:
        plain = [pair for pair in pairs if not self.marks.issuperset(pair)]
        return len(pairs) - len(set(plain))


def levenshtein(one: Ids, other: Ids) -> int:
    """The least number of replacements, insertions and deletions between two sequences."""
    row = list(range(len(other) + 1))
    for n, left in enumerate(one, 1):
        diagonal, row[0] = row[0], n
        for m, right in enumerate(other, 1):
            diagonal, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, diagonal + (left != right))
    return row[-1]


def _holds(ids: Ids, word: Ids) -> bool:
    return any(ids[at : at + len(word)] == word for at in range(len(ids) - len(word) + 1))


def _overlap(one: Ids, other: Ids) -> float:
    both = sum((Counter(one) & Counter(other)).values())
    return 2 * both / (len(one) + len(other)) if both else 0.0
