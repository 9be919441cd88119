"""The noisy channel: how a text became the source that it is to be a correction of.

Shannon 1948; Kernighan, Church & Gale 1990, A spelling correction program based on a noisy channel model,
https://aclanthology.org/C90-2036. log p(text | source) is log p(text) + log p(source | text) and a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from textgen.mcmc.cgmh.edits import Context, Ids, State
from textgen.mcmc.cgmh.proposals import ContextModel

MISSING, DOUBLED, SWAPPED, OTHER, EXTRA = "missing", "doubled", "swapped", "other", "extra"

TOGETHER = 64  # contexts judged together


Way = tuple[float, "Error | None", tuple[int, int]]  # a cost, the last step, and from where it goes


@dataclass(frozen=True)
class Error:
    """A difference between a source and the text that was meant.

    Attributes:
        kind: What happened.
        source: Its tokens there; none if a token is missing.
        text: The tokens that were meant; none if there is one too many.
    """

    kind: str
    source: range
    text: range


@dataclass(frozen=True)
class Noise:
    """What may have happened to a text that became a source, and -log of how probable it is.

    Attributes:
        source: The tokens that were written.
        meant: For every place the kinds of error by the token that was meant; any other is an `OTHER`.
        doubled: Places whose token may stand there twice by mistake; any other is an `EXTRA`.
        swapped: Places whose token may have changed places with the next.
        costs: By kind.
    """

    source: Ids
    meant: Sequence[Mapping[int, str]]
    doubled: Collection[int]
    swapped: Collection[int]
    costs: Mapping[str, float]

    def cost(self, text: Ids) -> float:
        """-log of the probability of the most probable errors between a text and the source."""
        return sum(self.costs[error.kind] for error in self.errors(text))

    def errors(self, text: Ids) -> list[Error]:
        """The most probable errors that made the source of a text."""
        same = _common(self.source, text)
        behind = _common(self.source[same:][::-1], text[same:][::-1])
        # a token more of each side: what is equal may have changed places with what is not
        first, last = max(0, same - 1), max(0, behind - 1)
        rows, columns = len(self.source) - last - first + 1, len(text) - last - first + 1
        best: list[list[Way]] = []
        for row in range(rows):
            best.append([])
            for column in range(columns):
                ways: list[tuple[float, Error | None, tuple[int, int]]] = [(0.0, None, (0, 0))] * (
                    row == column == 0
                )
                for error, back in self._steps(text, first + row, first + column):
                    at = row - back[0], column - back[1]
                    if min(at) >= 0:
                        ways.append((best[at[0]][at[1]][0] + self._priced(error), error, at))
                best[-1].append(min(ways, key=lambda way: way[0]))
        found: list[Error] = []
        at = rows - 1, columns - 1
        while at != (0, 0):
            _, error, at = best[at[0]][at[1]]
            found += [error] if error else []
        return found[::-1]

    def _priced(self, error: Error | None) -> float:
        return self.costs[error.kind] if error else 0.0

    def _steps(self, text: Ids, row: int, column: int) -> Iterator[tuple[Error | None, tuple[int, int]]]:
        """Yield the last steps of alignments of beginnings: an error or none, and the tokens they take."""
        place, at = row - 1, column - 1  # the last tokens of both
        if place >= 0 and at >= 0:
            token, meant = self.source[place], text[at]
            kind = None if token == meant else self.meant[place].get(meant, OTHER)
            yield Error(kind, range(place, row), range(at, column)) if kind else None, (1, 1)
            if place - 1 in self.swapped and at and self.source[place - 1 : row] == (meant, text[at - 1]):
                yield Error(SWAPPED, range(place - 1, row), range(at - 1, column)), (2, 2)
        if place >= 0:
            kind = DOUBLED if place in self.doubled else EXTRA
            yield Error(kind, range(place, row), range(column, column)), (1, 0)
        if at >= 0:
            yield Error(MISSING, range(row, row), range(at, column)), (0, 1)


@dataclass(frozen=True)
class Channel:
    """log p(source | text), up to a constant.

    Attributes:
        noise: Of a source.
    """

    noise: Callable[[Ids], Noise]

    def values(self, states: Sequence[State]) -> list[float]:
        return [-self.noise(state.subject.source).cost(state.ids) for state in states]


@dataclass(frozen=True)
class Evidence:
    """How much better a model that sees both sides expects a text where it differs from its source.

    The sum of the tokens' log-probabilities, each given all others, over the places of an error and one more
    on either side, less the same of the source.

    Attributes:
        noise: Of a source.
        model: Judges tokens.
    """

    noise: Callable[[Ids], Noise]
    model: ContextModel

    def values(self, states: Sequence[State]) -> list[float]:
        asked = [(state, *self._places(state)) for state in states]
        places = [
            (ids, place)
            for state, before, after in asked
            for ids, some in ((state.subject.source, before), (state.ids, after))
            for place in some
        ]
        known = self._logprobs(list(dict.fromkeys(places)))
        return [
            sum(known[state.ids, place] for place in after)
            - sum(known[state.subject.source, place] for place in before)
            for state, before, after in asked
        ]

    def _places(self, state: State) -> tuple[list[int], list[int]]:
        """The places in the source and in the text that count."""
        errors = self.noise(state.subject.source).errors(state.ids)
        before = _widened([error.source for error in errors], len(state.subject.source))
        return before, _widened([error.text for error in errors], len(state.ids))

    def _logprobs(self, places: Sequence[tuple[Ids, int]]) -> dict[tuple[Ids, int], float]:
        found: list[float] = []
        for at in range(0, len(places), TOGETHER):
            some = places[at : at + TOGETHER]
            logits = self.model.logits([Context(ids[:n], ids[n + 1 :]) for ids, n in some])
            own = torch.tensor([ids[n] for ids, n in some])
            found += logits.double().log_softmax(-1)[torch.arange(len(some)), own].tolist()
        return dict(zip(places, found, strict=True))


def _widened(spans: Sequence[range], size: int) -> list[int]:
    """The places of spans, and one more on either side of each."""
    return sorted({n for span in spans for n in range(max(0, span.start - 1), min(size, span.stop + 1))})


def _common(one: Ids, other: Ids) -> int:
    """The tokens that two begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (left, right) in pairs if left != right), min(len(one), len(other)))
