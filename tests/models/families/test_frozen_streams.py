"""Streams that change places, end, and are read on: rows keep what they made with the partners of then."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from two_streams_toy import FIRST, TOLERANCE, make_source, whole

from textgen.models.families.two_streams import TwoStreams
from textgen.models.families.unilm import UniLM
from textgen.models.layers.attention import both_sides

EVERYTHING = both_sides(torch.zeros(1, 1, 1, 1))  # attention without a mask


@dataclass(frozen=True, eq=False)
class Place:
    """A token of one row at one step, with the row it came from and the places its partner showed it."""

    token: int
    kind: int
    step: int
    before: Place | None = None

    def line(self) -> list[Place]:
        return [*(self.before.line() if self.before else ()), self]


class Replay:
    """Hidden states without a cache: every place from the layer below, with the partner of its moment."""

    def __init__(self, unilm: UniLM, source: list[int]) -> None:
        self.unilm, self.source = unilm, source
        self.partners: dict[Place, list[Place]] = {}  # what a place saw of the other stream
        self.hidden: dict[tuple[Place, int], Tensor] = {}
        ids = torch.tensor([source])
        x = unilm.network.embed(ids, torch.arange(len(source)), torch.zeros_like(ids))
        self.read = [x[0]]
        for layer in unilm.network.layers:
            x = layer(x, EVERYTHING)
            self.read.append(x[0])

    def state(self, place: Place, level: int) -> Tensor:
        """The hidden state `(hidden,)` above so many layers."""
        if (place, level) not in self.hidden:
            self.hidden[place, level] = self._embedded(place) if not level else self._layer(place, level)
        return self.hidden[place, level]

    def logits(self, place: Place) -> Tensor:
        top = self.state(place, len(self.unilm.network.layers))
        vote = self.unilm.prior.vote([self.source])
        return self.unilm.prior.apply_vote(self.unilm.network.logits(top[None]), vote)[0]

    def _embedded(self, place: Place) -> Tensor:
        position = torch.tensor([[len(self.source) + place.step]])
        kind = torch.tensor([[place.kind]])
        return self.unilm.network.embed(torch.tensor([[place.token]]), position, kind)[0, 0]

    def _layer(self, place: Place, level: int) -> Tensor:
        seen = [self.state(other, level - 1) for other in [*self.partners[place], *place.line()]]
        x = torch.cat([self.read[level - 1], torch.stack(seen)])[None]
        layer = self.unilm.network.layers[level - 1]
        return layer(x, EVERYTHING)[0, -1]


class Rows:
    """The rows of one source in both worlds: the cached state beside the places to be replayed."""

    def __init__(self, model: TwoStreams, source: list[int], half: int) -> None:
        self.model, self.half = model, half
        self.replay = Replay(model.model, source)
        self.state = model.start([source])
        self.rows: list[Place | None] = [None, None]
        self.shown: list[int | None] = [None, None]
        self.step([*FIRST])
        self.state = self.state.repeat(half)
        self.rows = [place for place in self.rows for _ in range(half)]
        self.shown = [None] * (2 * half)

    def step(self, tokens: list[int]) -> None:
        """One step of both, whose logits must agree."""
        size = len(tokens)
        found = self.model.step(self.state, torch.tensor(tokens))
        before = self.rows
        step = len(self.line(0))
        places = [
            Place(token, 1 if row < size // 2 else 2, step, before[row]) for row, token in enumerate(tokens)
        ]
        for row, place in enumerate(places):
            partner = (row + size // 2) % size
            self.replay.partners[place] = places[partner].line()[: self.shown[partner]]
        for row, place in enumerate(places):
            torch.testing.assert_close(found[row], self.replay.logits(place), **TOLERANCE)
        self.rows = list(places)

    def line(self, row: int) -> list[Place]:
        """What a row wrote."""
        place = self.rows[row]
        return place.line() if place else []

    def select(self, order: list[int]) -> None:
        self.state = self.state.select(torch.tensor(order))
        self.rows = [self.rows[row] for row in order]
        self.shown = [self.shown[row] for row in order]

    def freeze(self, rows: list[int]) -> None:
        chosen = torch.tensor([row in rows for row in range(2 * self.half)])
        self.state.freeze(chosen)
        for row in rows:
            if self.shown[row] is None:
                self.shown[row] = len(self.line(row))


ORDERS = [[2, 0, 1, 3, 5, 4], [0, 0, 2, 5, 3, 3], [1, 2, 1, 4, 4, 4], [0, 1, 2, 3, 4, 5], [2, 1, 0, 5, 3, 4]]


def test_rows_take_along_what_they_made_with_the_partners_of_then(model: TwoStreams) -> None:
    rows = Rows(model, make_source(20, seed=8), half=3)
    for step, order in enumerate(ORDERS):
        rows.step([10 + 7 * step + row for row in range(6)])
        rows.select(order)
    rows.step([*range(90, 96)])


def test_the_replay_tells_partners_of_then_from_partners_of_now(model: TwoStreams) -> None:
    """Re-encoding the texts as if today's partners had always been is something else."""
    rows = Rows(model, make_source(20, seed=8), half=3)
    rows.step([*range(10, 16)])
    rows.select([2, 0, 1, 3, 4, 5])
    rows.step([*range(30, 36)])
    streams = torch.tensor([[[place.token for place in rows.line(row)] for row in (0, 3)]])
    as_if = whole(model, [make_source(20, seed=8)], streams)[0, 0, -1]
    assert (as_if - rows.replay.logits(rows.line(0)[-1])).abs().max() > 0.01


@pytest.mark.parametrize("frozen", [[0, 1, 2], [3, 4, 5], [1, 5]])
def test_what_a_frozen_row_writes_is_hidden_from_its_partner(model: TwoStreams, frozen: list[int]) -> None:
    """Also behind reorderings, a second freeze, and the length by which the cache grows."""
    rows = Rows(model, make_source(17, seed=9), half=3)
    for step, order in enumerate(ORDERS * 4):
        rows.step([9 + (7 * step + 3 * row) % 90 for row in range(6)])
        rows.select(order)
        if step in (1, 2):
            rows.freeze(frozen)
        if step == 3:
            rows.freeze([0, 1, 2, 3, 4, 5])
    rows.step([*range(90, 96)])


@pytest.mark.parametrize("row", [0, 1])
def test_the_partner_of_a_frozen_row_does_not_move_with_it(model: TwoStreams, row: int) -> None:
    """The frozen row goes on seeing; only what it writes is seen no more."""

    def last(tokens: tuple[int, int], *, freeze: bool) -> Tensor:
        state = model.start([make_source(12, seed=10)])
        model.step(state, torch.tensor(FIRST))
        model.step(state, torch.tensor([20, 30]))
        if freeze:
            state.freeze(torch.arange(2) == row)
        return model.step(state, torch.tensor(tokens))

    before = last((40, 50), freeze=True)
    mine = last((41, 50) if row == 0 else (40, 51), freeze=True)
    theirs = last((40, 51) if row == 0 else (41, 50), freeze=True)
    assert torch.equal(mine[1 - row], before[1 - row])
    assert not torch.equal(mine[row], before[row])
    assert (theirs != before).any(-1).all()
    assert not torch.equal(last((40, 50), freeze=False)[1 - row], before[1 - row])


def test_copies_of_a_frozen_row_are_frozen(model: TwoStreams) -> None:
    state = model.start([make_source(12, seed=10)])
    model.step(state, torch.tensor(FIRST))
    state.freeze(torch.tensor([False, True]))
    state = state.repeat(2)
    before = model.step(state.select(torch.arange(4)), torch.tensor([20, 21, 30, 31]))
    after = model.step(state.select(torch.arange(4)), torch.tensor([20, 21, 32, 33]))
    moved = (after != before).any(-1)
    assert moved.tolist() == [False, False, True, True]
