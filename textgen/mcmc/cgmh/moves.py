"""Moves of a chain of edits: the places for them, and their probabilities there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log

from torch import Tensor

from textgen.mcmc.cgmh.edits import DELETE, INSERT, PARAPHRASE, REPLACE, SWAP, Context, Operations, State


@dataclass(frozen=True)
class Choice:
    """A move and where.

    Attributes:
        move: Its name.
        place: The place (replace, delete), the gap (insert), the number of the way (paraphrase), or 0.
        pair: The labels of two spans (swap).
        way: The state that it leads to (paraphrase).
    """

    move: str
    place: int = 0
    pair: tuple[int, int] = (0, 0)
    way: State | None = None

    @property
    def draws(self) -> bool:
        """Whether the distribution of a token enters it."""
        return self.move in (REPLACE, INSERT, DELETE)

    def context(self, state: State) -> Context:
        """The tokens that the distribution at the place depends on."""
        return state.at_gap(self.place) if self.move == INSERT else state.around(self.place)

    def apply(self, state: State, token: int) -> State:
        """The state after the move; `token` is what replaces or is inserted."""
        if self.way is not None:
            return self.way
        if self.move == REPLACE:
            return state.replaced(self.place, token)
        if self.move == INSERT:
            return state.inserted(self.place, token)
        return state.deleted(self.place) if self.move == DELETE else state.swapped(*self.pair)


def choices(state: State, move: str, ways: Sequence[State] = ()) -> list[Choice]:
    """The places where a move can be made; all of them are equally likely.

    Args:
        state: The state.
        move: The name of the move.
        ways: The neighbours of the state, those of a paraphrase; one is as likely as it is often there.
    """
    if move == PARAPHRASE:
        return [Choice(move, number, way=way) for number, way in enumerate(ways)]
    if move == SWAP:
        return [Choice(move, pair=pair) for pair in state.pairs]
    return [Choice(move, place) for place in (state.gaps if move == INSERT else state.free)]


def log_proposals(
    before: State,
    after: State,
    choice: Choice,
    distribution: Tensor | None,
    token: int,
    operations: Operations,
) -> float:
    """log of the reverse proposal's probability, less that of the proposal.

    Args:
        before: The state.
        after: The state that is proposed.
        choice: The move between them.
        distribution: `(vocab,)`, log-probabilities of the token at the place; only where one is drawn.
        token: The token drawn.
        operations: The probabilities of the moves.
    """
    if not choice.draws or distribution is None:
        return 0.0
    if choice.move == REPLACE:
        return float(distribution[before.ids[choice.place]] - distribution[token])
    if choice.move == INSERT:
        back = _log(operations.delete) - log(len(after.free))
        return back - _log(operations.insert) + log(len(before.gaps)) - float(distribution[token])
    back = _log(operations.insert) - log(len(after.gaps)) + float(distribution[before.ids[choice.place]])
    return back - _log(operations.delete) + log(len(before.free))


def log_ways(before: State, after: State, there: Sequence[State], back: Sequence[State]) -> float:
    """log of the probability of the way back from a neighbour, less that of the way there.

    Args:
        before: The state.
        after: A neighbour of it.
        there: The neighbours of the state, as often as there are ways to them; all ways are equally likely.
        back: Those of the neighbour; if the state is none of them, the result is -inf.
    """
    return _log(back.count(before) / max(1, len(back))) - log(there.count(after) / len(there))


def _log(probability: float) -> float:
    return log(probability) if probability > 0 else -inf
