"""A model of two streams whose logits are a table of everything a row has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import pytest
import torch
from fakes import Prefix, Table, random_table, table_of
from torch import Tensor

from textgen.choice import filters
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.models.views import Ids


class Memory(NamedTuple):
    """What a row has seen.

    Attributes:
        own: Source, direction token and what the row wrote.
        others: A digest of what its partners had seen at every step; 0 without interaction.
    """

    own: Prefix
    others: int = 0

    def after(self, token: int, partner: Memory | None, shown: int | None = None) -> Memory:
        """The memory one token later.

        Args:
            token: What the row wrote.
            partner: What its partner had seen before; None without interaction.
            shown: What its partner wrote at the same step; None for a frozen partner, which wrote nothing.
        """
        if partner is None:
            return Memory((*self.own, token))
        digest = blake2b(repr((self, token, partner, shown)).encode(), digest_size=6).digest()
        return Memory((*self.own, token), int.from_bytes(digest, "little"))


TwoWayLogits = Callable[[Memory], Tensor]  # raw logits (vocab,)


def random_logits(vocab: int, seed: int, *, scale: float = 1.5) -> TwoWayLogits:
    """Normal logits, another draw for every memory."""
    table = random_table(vocab, seed, scale=scale)
    return lambda memory: table((*memory.own, memory.others))


def logits_of(probabilities: Mapping[Prefix, Sequence[float]], otherwise: Sequence[float]) -> TwoWayLogits:
    """Logits from probabilities keyed by direction token and what was written."""
    table = table_of(probabilities, otherwise, given=0)
    return lambda memory: table(memory.own)


def alone(logits: TwoWayLogits) -> Table:
    """The table of a row that sees no partner."""
    return lambda prefix: logits(Memory(prefix))


@dataclass
class TwoWayState:
    """The memory of every row; refuses what a `StreamState` cannot do.

    Attributes:
        memories: Of all rows.
        frozen: What a row's partner sees for good; None while it sees everything.
        size: Rows a group, half of them a stream's.
    """

    memories: list[Memory]
    frozen: list[Memory | None]
    size: int = 2

    @property
    def rows(self) -> int:
        return len(self.memories)

    def select(self, rows: Tensor) -> TwoWayState:
        half = self.size // 2
        lanes = rows // half
        if len(rows) == self.rows:
            assert torch.equal(lanes, torch.arange(self.rows) // half), "rows left their stream"
        else:
            assert len(rows) % self.size == 0, "groups must stay whole"
            groups = rows[:: self.size] // self.size
            whole = (groups[:, None] * self.size + torch.arange(self.size)).view(-1)
            assert torch.equal(lanes, whole // half), "groups must stay whole"
        chosen = rows.tolist()
        return TwoWayState(
            [self.memories[row] for row in chosen], [self.frozen[row] for row in chosen], self.size
        )

    def repeat(self, n: int) -> TwoWayState:
        return TwoWayState(
            [memory for memory in self.memories for _ in range(n)],
            [memory for memory in self.frozen for _ in range(n)],
            self.size * n,
        )

    def freeze(self, rows: Tensor) -> None:
        assert rows.shape == (self.rows,)
        for row in rows.nonzero().view(-1).tolist():
            self.frozen[row] = self.frozen[row] or self.memories[row]

    def partner(self, row: int) -> int:
        half = self.size // 2
        return row + half if row // half % 2 == 0 else row - half


@dataclass
class TwoWayTable:
    """A `TwoWayModel` over a table.

    Attributes:
        vocab_size: Ids.
        logits: Memory to raw logits.
        interaction: Whether partners see each other.
        first: The direction tokens.
        calls: How many rows each step had.
    """

    vocab_size: int
    logits: TwoWayLogits
    interaction: bool = True
    first: tuple[int, int] = (0, 1)
    calls: list[int] = field(default_factory=list)

    def start(self, sources: Sequence[Ids]) -> TwoWayState:
        memories = [Memory(tuple(source)) for source in sources for _ in self.first]
        return TwoWayState(memories, [None] * len(memories))

    def step(self, state: TwoWayState, tokens: Tensor) -> Tensor:
        self.calls.append(state.rows)
        written = tokens.tolist()
        assert len(written) == state.rows
        assert all(0 <= token < self.vocab_size for token in written)
        state.memories = [self._after(state, row, written) for row in range(state.rows)]
        return torch.stack([self.logits(memory) for memory in state.memories])

    def _after(self, state: TwoWayState, row: int, written: list[int]) -> Memory:
        memory, partner = state.memories[row], state.partner(row)
        if not self.interaction:
            return memory.after(written[row], None)
        if frozen := state.frozen[partner]:
            return memory.after(written[row], frozen)
        return memory.after(written[row], state.memories[partner], written[partner])


Scorings = tuple[Scoring, Scoring]
WIDTHS = [2, 4, 6]
PENALTIES = [(0.0, False), (1.0, False), (-0.5, False), (0.6, True)]


def ends_at(step: int, eos: int) -> Filter:
    """A ban of everything but the end, from this piece on."""

    def only_the_end(ids: Tensor, scores: Tensor) -> Tensor:
        if ids.shape[1] + 1 < step:
            return scores
        return scores.masked_fill(torch.arange(scores.shape[1]) != eos, filters.BANNED)

    return only_the_end


def ends_behind(token: int, eos: int) -> Filter:
    """A ban of everything but the end in rows that hold a token anywhere."""

    def only_the_end(ids: Tensor, scores: Tensor) -> Tensor:
        held = (ids == token).any(-1)[:, None] & (torch.arange(scores.shape[1]) != eos)
        return scores.masked_fill(held, filters.BANNED)

    return only_the_end


def same(found: Sequence[Hypothesis], wanted: Sequence[Hypothesis]) -> None:
    assert [(h.ids, h.reason, h.lane) for h in found] == [(h.ids, h.reason, h.lane) for h in wanted]
    for one, other in zip(found, wanted, strict=True):
        for name in ("logprob", "total", "score"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5)


def better(halves: Sequence[Hypothesis]) -> Hypothesis:
    """The better of two best answers: a finished one, then the higher score."""
    return max(halves, key=lambda hypothesis: (hypothesis.reason == "stop", hypothesis.score))
