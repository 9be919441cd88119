"""Texts given out by chains of `mh` have the target's distribution, given that they may be shown.

By enumeration: chains start from the distribution itself, every state so often as its probability asks for.
Then their states have it after any number of steps, and what is given out shows what the rule of giving out
does, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import floor

import pytest
import torch
from sequences import (
    Space,
    at_most,
    distance,
    proposals,
    random_bigrams,
    space_of,
    states_of,
    transitions,
    walk,
)
from torch import Tensor

from textgen.backends.chain_reports import Reports
from textgen.backends.editing.chain_texts import MOST_CHAINS, chain_notes, further_chains, last_states
from textgen.mcmc.cgmh.edits import Ids, Operations, State, Subject
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.target import Length, Outside, Point, Target
from textgen.mcmc.chain import Chain
from textgen.options import ComposeOptions
from textgen.rng import row_key

CHAINS = 2000
VOCAB = 2
MOST = 3
WIDE = (1, 2)  # characters of the two tokens


def characters(ids: Ids) -> int:
    return sum(WIDE[token] for token in ids)


def kernel_of(weight: float, outside: Outside, seed: int = 1) -> Cgmh:
    """A soft range, as compose has it, and what lies inside may be shown."""
    model = random_bigrams(VOCAB, seed)
    target = Target(model, 1.0, [(-weight, outside), (0.6, Length())], [at_most(MOST)])
    return Cgmh(
        target,
        proposals(VOCAB, epsilon=0.1),
        Operations(0.3, 0.4, 0.3),
        reportable=lambda state: outside.distance(state) == 0,
    )


def from_the_distribution(kernel: Cgmh, space: Space) -> list[Chain[Point]]:
    """Chains at every state, as many as its share of all; each a key of its own."""
    ends = [floor(edge * CHAINS + 0.5) for edge in space.distribution().cumsum(0).tolist()]
    counts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    states = [point.state for point, count in zip(space.points, counts, strict=True) for _ in range(count)]
    return [kernel.start(row_key(n, "chain"), 0, state) for n, state in enumerate(states)]


def arrivals(matrix: Tensor, distribution: Tensor, shown: Tensor) -> Tensor:
    """The distribution of chains that have one and then run on until they are where they may be shown."""
    rest = ~shown
    inside = torch.eye(int(rest.sum()), dtype=torch.float64) - matrix[rest][:, rest]
    found = distribution * shown
    found[shown] += torch.linalg.solve(inside.T, distribution[rest]) @ matrix[rest][:, shown]
    return found


@pytest.mark.parametrize(
    ("measure", "length", "weight", "seed"),
    [(len, (2, 3), 0.1, 1), (characters, (2, 3), 0.1, 2), (characters, (2, 3), 1.0, 2)],
)
def test_what_is_given_out_has_the_distribution_given_that_it_may_be_shown(
    measure: Callable[[Ids], int], length: tuple[int, int], weight: float, seed: int
) -> None:
    kernel = kernel_of(weight, Outside(measure=measure), seed)
    space = space_of(kernel, states_of([(1,)], VOCAB, MOST, subject=Subject(length=length)))
    chains = from_the_distribution(kernel, space)
    walk(kernel, chains, 1)
    shown = torch.tensor([kernel.reportable(point.state) for point in space.points])
    wanted = space.distribution() * shown
    wanted /= (share := float(wanted.sum()))
    given = [visit.point.state for _, visit in last_states(chains)]
    assert len(given) / CHAINS == pytest.approx(share, abs=0.04)
    assert distance(space.shares(given), wanted) < 0.045
    # which tells that distribution from that of arrivals, of chains that run on until they may be shown
    assert distance(arrivals(transitions(kernel, space), space.distribution(), shown), wanted) > 0.1


def test_where_a_chain_is_does_not_decide_how_long_it_runs() -> None:
    kernel = kernel_of(1.0, Outside())
    for reportable in (lambda state: False, lambda state: len(state.ids) == 3):
        chosen = replace(kernel, reportable=reportable)
        chains = [chosen.start(row_key(n, "chain"), 0, State.of([((1,), 1)])) for n in range(20)]
        walk(chosen, chains, 7)
        assert {chain.steps for chain in chains} == {7}


def test_the_range_counts_characters_and_not_pieces() -> None:
    outside = Outside(measure=characters)
    state = State.of([((0, 1, 1), 0)], subject=Subject(length=(2, 4)))
    assert outside.distance(state) == 1
    assert Outside().distance(state) == 0
    blanks = State.of([((0, 1, 1), 0), ((1, 1), 1), ((0,), 0)], subject=Subject(length=(2, 3)))
    assert Outside(True, characters).distance(blanks) == 2 + 1


def ended(kernel: Cgmh, shown: str) -> list[Chain[Point]]:
    """Chains that ended where they may be shown (`+`) or not (`-`)."""
    states = {
        "+": State.of([((1, 0, 0), 0)], subject=Subject(length=(3, 3))),
        "-": State.of([((1,), 0)], subject=Subject(length=(3, 3))),
    }
    return [kernel.start(row_key(1, "chain"), n, states[mark]) for n, mark in enumerate(shown)]


@pytest.mark.parametrize(
    ("shown", "texts", "chains", "further"),
    [
        ("", 2, None, 2),
        ("", 2, 5, 5),
        ("++", 2, None, 0),
        ("+-", 2, None, 1),
        ("--", 2, None, 2),
        ("+--+", 2, None, 0),
        ("--+++", 2, 5, 0),
        ("-------", 2, None, 1),  # four times as many and no more
        ("--------", 2, None, 0),
        ("-", 1, None, 1),
    ],
)
def test_a_chain_that_gives_no_text_is_replaced(
    shown: str, texts: int, chains: int | None, further: int
) -> None:
    kernel = kernel_of(1.0, Outside())
    options = ComposeOptions(method="mh", num_candidates=texts, chains=chains)
    assert further_chains(ended(kernel, shown), options) == further
    assert len(shown) + further <= MOST_CHAINS * options.parallel
    searching = ComposeOptions(num_candidates=texts, chains=chains)
    assert further_chains(ended(kernel, shown), searching) == (0 if shown else searching.parallel)


def test_how_many_gave_none_is_told() -> None:
    kernel = kernel_of(1.0, Outside())
    options = ComposeOptions(method="mh", num_candidates=2)
    few = Reports([], search=False)
    assert chain_notes(ended(kernel, "++"), options, 2, few) == ()
    assert chain_notes(ended(kernel, "+-+"), options, 2, few) == (
        "1 of 3 chains ended at no text that may be shown",
    )
    assert chain_notes(ended(kernel, "-+"), options, 1, few)[0] == "1 of 2 texts were found"
    assert chain_notes(ended(kernel, "-+"), ComposeOptions(num_candidates=1), 1, few) == ()
