"""Conditionals over three values in three places, and the distributions that their energies have."""

from __future__ import annotations

import torch
from masked import (
    Conditional,
    frame,
    random_conditional,
    states_of,
)
from torch import Tensor

from textgen.mcmc.gibbs.energy import ProposalDistribution
from textgen.mcmc.scan import Scan

VALUES, LENGTH = 3, 3
MASK = frame(VALUES)[0]
RANDOM = random_conditional(frame(VALUES)[3], 5)
STATES = states_of(VALUES, LENGTH)
SCANS = [Scan("random"), Scan("sequential"), Scan("block", 2), Scan("block", 5), Scan("all")]
DISTRIBUTIONS = [ProposalDistribution(), ProposalDistribution(0.6), ProposalDistribution(1.7, 2)]


def energies(
    name: str, conditional: Conditional = RANDOM, places: range | list[int] = range(LENGTH)
) -> Tensor:
    """E of every state, from the tables alone."""
    found = []
    for state in STATES:
        terms = []
        for place in places:
            logits = conditional((*state[:place], MASK, *state[place + 1 :]), place)[:VALUES]
            scores = logits if name == "raw" else logits - logits.exp().sum().log()
            terms.append(-float(scores[state[place]]))
        found.append(sum(terms))
    return torch.tensor(found, dtype=torch.float64)


def target(name: str, temperature: float = 1.0) -> Tensor:
    return (-energies(name) / temperature).softmax(0)
