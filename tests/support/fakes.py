"""A model whose next-token logits are a table keyed by the prefix, so that answers can be enumerated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from hashlib import blake2b
from typing import Self

import torch
from torch import Tensor

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Batch, Choose, Draft, StopRule, write
from textgen.models.views import Ids

Prefix = tuple[int, ...]  # source, first token and what was written, in one row
Table = Callable[[Prefix], Tensor]  # raw logits (vocab,)


def random_table(vocab: int, seed: int, *, scale: float = 1.5, dtype: torch.dtype = torch.float64) -> Table:
    """Normal logits, another draw for every prefix; a pure function of the seed and the prefix."""

    @cache
    def table(prefix: Prefix) -> Tensor:
        digest = blake2b(repr((seed, prefix)).encode(), digest_size=7).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
        return scale * torch.randn(vocab, generator=generator, dtype=dtype)

    return table


def table_of(
    probabilities: Mapping[Prefix, Sequence[float]], otherwise: Sequence[float], *, given: int = 1
) -> Table:
    """Logits from probabilities keyed by what was written after `given` ids; `otherwise` for the rest."""
    return lambda prefix: torch.tensor(
        probabilities.get(prefix[given:], otherwise), dtype=torch.float64
    ).log()


@dataclass
class TabularState:
    """The prefix of every row; refuses what a `CacheState` cannot do."""

    prefixes: list[Prefix]
    size: int = 1

    @property
    def rows(self) -> int:
        return len(self.prefixes)

    def select(self, rows: Tensor) -> Self:
        groups = rows // self.size
        if len(rows) == self.rows:
            assert groups.tolist() == [row // self.size for row in range(self.rows)], "rows left their group"
        else:
            assert len(rows) % self.size == 0, "groups must stay whole"
            whole = groups[:: self.size].repeat_interleave(self.size)
            assert torch.equal(groups, whole), "groups must stay whole"
        return replace(self, prefixes=[self.prefixes[row] for row in rows.tolist()])

    def repeat(self, n: int) -> Self:
        return replace(
            self, prefixes=[prefix for prefix in self.prefixes for _ in range(n)], size=self.size * n
        )


class NarrowingTabularState(TabularState):
    """A `TabularState` that is a `NarrowingState`."""

    def narrowed(self, rows: Tensor, size: int) -> NarrowingTabularState:
        assert len(rows) % size == 0, "groups must be of equal size"
        whole = (rows[::size] // self.size).repeat_interleave(size)
        assert torch.equal(rows // self.size, whole), "rows left their group"
        return NarrowingTabularState([self.prefixes[row] for row in rows.tolist()], size)


@dataclass
class TabularModel:
    """A `NextTokenModel` over a table.

    Attributes:
        vocab_size: Ids.
        table: Prefix to raw logits.
        calls: How many rows each step had.
    """

    vocab_size: int
    table: Table
    calls: list[int] = field(default_factory=list)

    def start(self, sources: Sequence[Ids]) -> TabularState:
        return TabularState([tuple(source) for source in sources])

    def step(self, state: TabularState, tokens: Tensor) -> Tensor:
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: TabularState, tokens: Tensor) -> Tensor:
        assert len(tokens) == state.rows
        self.calls.append(state.rows)
        rows = []
        for row, new in enumerate(tokens.tolist()):
            logits = []
            for token in new:
                assert 0 <= token < self.vocab_size
                state.prefixes[row] += (token,)
                logits.append(self.table(state.prefixes[row]))
            rows.append(torch.stack(logits))
        return torch.stack(rows)


class NarrowingTabularModel(TabularModel):
    """A `TabularModel` whose groups can shrink."""

    def start(self, sources: Sequence[Ids]) -> NarrowingTabularState:
        return NarrowingTabularState([tuple(source) for source in sources])


@dataclass
class HiddenTabularModel(TabularModel):
    """A `HiddenModel` over a table: its hidden states are random numbers and, behind them, the logits.

    Attributes:
        vectors: Prefix to the random numbers, `(width,)`.
        shown: Whether the source is part of the text, as a prompt is and an article is not.
        heads: How many rows each call of the head had.
    """

    vectors: Table = field(default_factory=lambda: random_table(6, 0))
    shown: bool = True
    heads: list[int] = field(default_factory=list)

    def state_of(self, prefix: Prefix) -> Tensor:
        """The hidden state after a prefix."""
        return torch.cat([self.vectors(prefix), self.table(prefix)])

    def read(self, sources: Sequence[Ids]) -> tuple[TabularState, list[Tensor]]:
        width = len(self.state_of((0,)))
        empty = torch.empty(0, width, dtype=torch.float64)
        read = [
            torch.stack([self.state_of(tuple(source[: n + 1])) for n in range(len(source))])
            if self.shown and source
            else empty
            for source in sources
        ]
        return self.start(sources), read

    def hidden(self, state: TabularState, tokens: Tensor) -> Tensor:
        before = list(state.prefixes)
        super().extend(state, tokens)
        return torch.stack(
            [
                torch.stack([self.state_of((*prefix, *row[: n + 1])) for n in range(len(row))])
                for prefix, row in zip(before, tokens.tolist(), strict=True)
            ]
        )

    def head(self, state: TabularState, hidden: Tensor) -> Tensor:
        assert len(hidden) % (state.rows // state.size) == 0, "as many rows of every group"
        self.heads.append(len(hidden))
        return hidden[..., -self.vocab_size :]

    def extend(self, state: TabularState, tokens: Tensor) -> Tensor:
        return self.head(state, self.hidden(state, tokens))


def everything(vocab: int) -> Tensor:
    """The allowed ids of a task that allows all."""
    return torch.ones(vocab, dtype=torch.bool)


def random_scoring(vocab: int, kind: int) -> Scoring:
    """No filter (0), a ban of an id (1), a penalty (2), no repeated pairs (3) or a least length (4)."""
    eos = vocab - 1
    allowed = everything(vocab)
    if kind == 1:
        allowed[1] = False
    soft = [partial(filters.repetition_penalty, penalty=1.7, exempt=(eos,))] if kind == 2 else []
    hard = [partial(filters.no_repeat_ngram, n=2, exempt=(eos,))] if kind == 3 else []
    if kind == 4:
        hard = [partial(filters.least_length, length=3, eos=eos)]
    return Scoring(allowed, soft=soft, hard=hard)


def batch_of(sources: Iterable[Ids], first: int = 0, keys: Sequence[bytes] = ()) -> Batch:
    """Sources with nothing in their histories."""
    rows = list(sources)
    return Batch(rows, [first] * len(rows), [[]] * len(rows), keys)


def written(
    model: TabularModel,
    batch: Batch,
    scoring: Scoring,
    choose: Choose,
    stop: StopRule,
    *,
    copies: int = 1,
    pad: int = 0,
) -> list[Draft]:
    """What `write` ends with."""
    *_, drafts = write(model, batch, scoring, choose, stop, copies=copies, pad=pad)
    return drafts
