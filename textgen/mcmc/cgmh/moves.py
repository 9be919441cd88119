"""Moves of a chain of edits: the places for them, and their probabilities there and back."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

from torch import Tensor

from textgen.mcmc.cgmh.edits import DELETE, INSERT, REPLACE, SWAP, Context, Operations, State


@dataclass(frozen=True)
class Choice:
    """A move and where.

    Attributes:
        move: Its name.
        place: The place (replace, delete), the gap (insert), or 0.
        pair: The labels of two spans (swap).
    """

    move: str
    place: int = 0
    pair: tuple[int, int] = (0, 0)

    def context(self, state: State) -> Context:
        """The tokens that the distribution at the place depends on."""
        return state.at_gap(self.place) if self.move == INSERT else state.around(self.place)

    def apply(self, state: State, token: int) -> State:
        """The state after the move; `token` is what replaces or is inserted."""
        if self.move == REPLACE:
            return state.replaced(self.place, token)
        if self.move == INSERT:
            return state.inserted(self.place, token)
        return state.deleted(self.place) if self.move == DELETE else state.swapped(*self.pair)


def choices(state: State, move: str) -> list[Choice]:
    """The places where a move can be made; all of them are equally likely."""
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
        distribution: `(vocab,)`, log-probabilities of the token at the place; not needed for a swap.
        token: The token drawn.
        operations: The probabilities of the moves.
    """
    if choice.move == SWAP or distribution is None:
        return 0.0
    if choice.move == REPLACE:
        return float(distribution[before.ids[choice.place]] - distribution[token])
    if choice.move == INSERT:
        back = _log(operations.delete) - log(len(after.free))
        return back - _log(operations.insert) + log(len(before.gaps)) - float(distribution[token])
    back = _log(operations.insert) - log(len(after.gaps)) + float(distribution[before.ids[choice.place]])
    return back - _log(operations.delete) + log(len(before.free))


def _log(probability: float) -> float:
    return log(probability) if probability > 0 else -inf
