"""Constrained search over one source, and whether a text holds its keywords."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from fakes import Table, TabularModel, batch_of, everything

from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.search.constrained import constrained_beam_search

VOCAB, EOS = 4, 3


def keywords(*words: Sequence[int], ordered: bool = False) -> Constraint:
    """A constraint whose keywords have one spelling each."""
    return Constraint(tuple((tuple(word),) for word in words), ordered)


def search_one(
    table: Table,
    constraint: Constraint,
    search: BeamSearch,
    *,
    vocab: int = VOCAB,
    scoring: Scoring | None = None,
) -> list[Hypothesis]:
    scoring = scoring or Scoring(everything(vocab))
    model = TabularModel(vocab, table)
    return constrained_beam_search(model, batch_of([[]]), scoring, search, [constraint])[0]


def ends_of(patterns: Sequence[Sequence[int]], ids: Sequence[int]) -> list[int]:
    """Where any of the patterns ends in a text."""
    return [
        end
        for end in range(1, len(ids) + 1)
        if any(tuple(ids[:end])[-len(pattern) :] == tuple(pattern) for pattern in patterns)
    ]


def holds(constraint: Constraint, ids: Sequence[int]) -> bool:
    """Whether a text holds all keywords, in order if that counts, by trying all occurrences."""
    ends = [ends_of(patterns, ids) for patterns in constraint.patterns]
    if not constraint.ordered:
        return all(ends)
    return any(list(chain) == sorted(chain) for chain in itertools.product(*ends))
