"""First states inside the range of lengths.

Where a chain begins has no influence on the distribution that it ends in. One that begins at bare
keywords spends its first steps on the way to the range, though, and may not arrive. A search finds better
texts if it makes that way itself, as far as its steps allow.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.choice.categorical import invert_cdf
from textgen.mcmc.cgmh.edits import State
from textgen.mcmc.cgmh.kernel import ADDED, GAP
from textgen.mcmc.cgmh.proposals import Proposals
from textgen.mcmc.cgmh.target import Outside
from textgen.rng import uniform


def lengthened(
    states: Sequence[State],
    chains: Sequence[tuple[bytes, int]],
    proposals: Proposals,
    outside: Outside,
    sizes: Tensor,
    *,
    slack: int = 0,
) -> list[State]:
    """Draw tokens into states that are too short, until none is.

    Args:
        states: The beginnings.
        chains: For each the key and the number of its chain.
        proposals: The distribution of the token at a place.
        outside: Measures a state against its range.
        sizes: `(vocab,)`, the length of every token.
        slack: A state may be so much shorter than the least of its range, but not empty.

    Returns:
        The states, none longer than the most of its range by what was drawn. One into which no token that
        fits can be drawn stays too short.
    """
    found = list(states)
    short = {n: part for n, state in enumerate(found) if (part := _short(state, outside, slack))}
    number = 0
    while short:
        gaps = {n: _gap(found[n], part, uniform(*chains[n], number, GAP)) for n, (part, _) in short.items()}
        drawn = proposals.distributions([found[n].at_gap(gap) for n, gap in gaps.items()], [None] * len(gaps))
        rooms = torch.tensor([room for _, room in short.values()])
        weights = drawn.exp().masked_fill((sizes > rooms[:, None]) | (sizes < 1), 0.0)
        tokens = invert_cdf(weights, [uniform(*chains[n], number, ADDED) for n in gaps]).tolist()
        possible = (weights.sum(-1) > 0).tolist()
        short = {}
        for (n, gap), token, fits in zip(gaps.items(), tokens, possible, strict=True):
            if fits:
                found[n] = found[n].inserted(gap, token)
                short |= {n: part} if (part := _short(found[n], outside, slack)) else {}
        number += 1
    return found


def _short(state: State, outside: Outside, slack: int) -> tuple[range, int] | None:
    """The first part that is too short, and how much it may still take."""
    parts = outside.parts(state)
    short = ((part, most - size) for part, size, (least, most) in parts if size < max(1, least - slack))
    return next(short, None)


def _gap(state: State, part: range, draw: float) -> int:
    """A gap of a part, all equally likely."""
    gaps = [gap for gap in state.gaps if part.start <= gap <= part.stop]
    return gaps[int(draw * len(gaps))]
