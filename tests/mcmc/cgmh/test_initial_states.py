"""First states: too short ones are lengthened, each chain by random numbers of its own."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from sequences import distance, proposals

from textgen.mcmc.cgmh.edits import FREE, Ids, State, Subject
from textgen.mcmc.cgmh.initial_states import lengthened
from textgen.mcmc.cgmh.proposals import ContextProposals
from textgen.mcmc.cgmh.target import Outside
from textgen.rng import row_key

WIDE = (1, 1, 3, 0)  # characters of the four tokens; the last is a blank
SIZES = torch.tensor(WIDE)
KEY = row_key(1, "first")


def characters(ids: Ids) -> int:
    return sum(WIDE[token] for token in ids)


def opened(
    state: State, count: int = 40, *, blanks: bool = False, distributions: ContextProposals | None = None
) -> list[State]:
    chains = [(KEY, n) for n in range(count)]
    outside = Outside(blanks, characters)
    return lengthened([state] * count, chains, distributions or proposals(4), outside, SIZES)


@pytest.mark.parametrize("length", [(1, 1), (4, 4), (5, 9), (7, 7)])
def test_a_text_reaches_its_range_around_what_is_locked(length: tuple[int, int]) -> None:
    state = State.of([((0,), 1), ((1, 2), 2)][: 1 + (length[0] > 4)], subject=Subject(length=length))
    found = opened(state)
    for one in found:
        assert length[0] <= characters(one.ids) <= length[1]
        assert [one.ids[span.start : span.stop] for span in one.spans] == [
            state.ids[span.start : span.stop] for span in state.spans
        ]
        assert 3 not in one.ids
    assert (len(set(found)) > 5) == (characters(state.ids) < length[0])


def test_every_blank_reaches_it() -> None:
    subject = Subject(length=(2, 3))
    parts = [((0,), 1), ((1, 1), FREE), ((0,), 2), ((0,), 3)]
    state = State.of(parts, open_left=False, subject=subject)
    for one in opened(state, blanks=True):
        lengths = [characters(one.ids[part.start : part.stop]) for part in one.blanks]
        assert all(2 <= length <= 3 for length in lengths)
        assert one.ids[:3] == (0, 1, 1)  # long enough as it was


def test_with_slack_a_text_is_only_brought_near_its_range() -> None:
    state = State.of([((0,), 1)], subject=Subject(length=(6, 9)))
    chains = [(KEY, n) for n in range(20)]
    for slack, least in ((2, 4), (5, 1), (50, 1)):
        found = lengthened(
            [state] * 20, chains, proposals(4), Outside(measure=characters), SIZES, slack=slack
        )
        assert {characters(one.ids) for one in found} == ({1} if least == 1 else {4, 5, 6})
    blank = State.of([((0,), 1)], open_left=False, subject=Subject(length=(6, 9)))
    [filled] = lengthened([blank], chains[:1], proposals(4), Outside(True, characters), SIZES, slack=50)
    assert len(filled.ids) == 2  # a blank is never empty


def test_chains_together_equal_single_chains() -> None:
    state = State.of([((0,), 1)], subject=Subject(length=(6, 8)))
    together = opened(state, 12)
    alone = [
        lengthened([state], [(KEY, n)], proposals(4), Outside(measure=characters), SIZES)[0]
        for n in range(12)
    ]
    assert together == alone


def test_pieces_are_drawn_from_their_distribution_where_they_fit() -> None:
    state = State.of([((0,), 1)], open_left=False, subject=Subject(length=(2, 2)))
    distributions = proposals(4)
    [distribution] = distributions.distributions([state.at_gap(1)], [None])
    wanted = distribution.exp() * torch.tensor([1, 1, 0, 0])
    drawn = Counter(one.ids[1] for one in opened(state, 4000, distributions=distributions))
    shares = torch.tensor([drawn[token] / 4000 for token in range(4)], dtype=torch.float64)
    assert distance(shares, wanted / wanted.sum()) < 0.03


def test_what_nothing_fits_into_stays() -> None:
    wide = ContextProposals(proposals(4).model, torch.tensor([False, False, True, False]))
    state = State.of([((0,), 1)], subject=Subject(length=(3, 3)))
    assert opened(state, 2, distributions=wide) == [state, state]
