"""Synchronous decoding: two target streams of one source, written at once by one network.

苏剑林, seq2seq之双向解码, https://kexue.fm/archives/6877; Zhou, Zhang & Zong 2019, Synchronous Bidirectional
Neural Machine Translation, https://arxiv.org/abs/1905.04847; by masks alone, in the spirit of
https://kexue.fm/archives/6933. The source is encoded once; the left-to-right and the right-to-left stream
share the network and carry token types of their own. Token n of a stream attends to the source, to its
own first n tokens and to the other stream's first n tokens. So there is no joint probability of a text
any more: what the two streams' scores add up to is a heuristic, never a log-probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from textgen.models.layers.attention import Attend
from textgen.models.layers.cache import CacheState, scaled
from textgen.models.views import Ids, TwoWayModel

NOT_FROZEN = 2**31


@dataclass
class StreamState(CacheState):
    """Rows of both streams: in every group the first half writes left to right, the rest right to left.

    Row r of a half is paired with row r of the other half: they see each other. Each row's keys and values
    were made with the partner of their moment and stay with the row when partners change.

    Attributes:
        interaction: Whether partners see each other.
        shown: `(rows,)`, how many of a row's positions its partner may see; None is all.
    """

    interaction: bool = True
    shown: Tensor | None = None

    def repeat(self, n: int) -> Self:
        shown = None if self.shown is None else self.shown.repeat_interleave(n, 0)
        return replace(super().repeat(n), shown=shown)

    def narrowed(self, rows: Tensor, size: int) -> Self:
        shown = None if self.shown is None else self.shown[rows]
        return replace(super().narrowed(rows, size), shown=shown)

    def attend(self, layer: int) -> Attend:
        if not self.interaction:
            return super().attend(layer)

        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            end = self.steps + query.shape[2]
            keys, values = (buffer[:, :, :end] for buffer in self._append(layer, key, value))
            other = self.partners()
            query = scaled(query)
            own = query @ keys.transpose(-1, -2)
            theirs = query @ keys[other].transpose(-1, -2) + self._hidden(other, keys.shape[2])
            both = torch.cat([own, theirs], -1)
            return self._with_prefix(layer, query, both, torch.cat([values, values[other]], 2))

        return attend

    def freeze(self, rows: Tensor) -> None:
        """Hide from their partners what these rows `(rows,)`, true where meant, write from now on."""
        shown = torch.full((self.rows,), NOT_FROZEN) if self.shown is None else self.shown
        self.shown = torch.where(rows, shown.clamp(max=self.steps), shown)

    def partners(self) -> Tensor:
        """`(rows,)`, the row that each row is paired with."""
        return torch.arange(self.rows).view(-1, 2, self.size // 2).flip(1).reshape(-1)

    def _hidden(self, other: Tensor, length: int) -> Tensor:
        """Additive mask `(rows, 1, 1, length)` over the partner's positions."""
        if self.shown is None:
            return torch.zeros(1, 1, 1, length)
        behind = torch.arange(length) >= self.shown[other][:, None]
        return torch.zeros(behind.shape).masked_fill_(behind, -torch.inf)[:, None, None, :]


class TwoStreams:
    """Offers the view `NextTokenModel`, one step of both streams at a time.

    A checkpoint that was not trained with interaction, or that has one token type for both directions,
    can be run with it, but its places of equal step cannot tell which stream is theirs.

    Args:
        model: Writes titles, with token types by direction.
        first: The two direction tokens, left to right and right to left.
        interaction: Whether the streams see each other; without, they are two ordinary decoders.
        start: Reads the sources, where that is not left to the model.
    """

    def __init__(
        self,
        model: TwoWayModel,
        first: tuple[int, int],
        *,
        interaction: bool = True,
        start: Callable[[Sequence[Ids]], CacheState] | None = None,
    ) -> None:
        self.model = model
        self.first = first
        self.interaction = interaction
        self.vocab_size = model.vocab_size
        self._start = start or model.start

    def start(self, sources: Sequence[Ids]) -> StreamState:
        """Encode the sources; the state has two rows each, one a stream."""
        read = self._start(sources).repeat(2)
        return StreamState(**vars(read), interaction=self.interaction)

    def step(self, state: StreamState, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)` to every row of both streams; next-token logits `(rows, vocab)`."""
        half = state.size // 2
        kinds = [self.model.target_types[first] for first in self.first]
        types = torch.tensor(kinds).repeat_interleave(half).repeat(len(state.lengths))
        hidden = self.model.hidden_of(state, tokens[:, None], types[:, None])
        return self.model.head(state, hidden)[:, 0]
