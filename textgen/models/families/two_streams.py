"""Two target streams of one source, written at once by one network: the model of synchronous decoding.

苏剑林, seq2seq之双向解码, https://kexue.fm/archives/6877; Zhou, Zhang & Zong 2019, Synchronous Bidirectional
Neural Machine Translation, https://arxiv.org/abs/1905.04847; by masks alone, in the spirit of
https://kexue.fm/archives/6933. The source is encoded once; the left-to-right and the right-to-left stream
share the network and carry token types of their own. Token n of a stream attends to the source, to its
own first n tokens and to the other stream's first n tokens. So there is no joint probability of a text
any more: what the two streams' scores add up to is a heuristic, never a log-probability.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.families.unilm import UniLM
from textgen.models.layers.attention import Attend
from textgen.models.layers.cache import CacheState, scaled_scores
from textgen.models.views import Ids

NOT_FROZEN = 2**31


def leaked(targets: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """At how many steps the other stream has already shown what is to be predicted.

    Args:
        targets: What a stream predicts, in its own order, as places of the gold text.
        other: What the other stream is fed behind its direction token, in its own order: places of the
            gold text, or anything else for text of the model's own.

    Returns:
        For gold against gold of length T exactly floor(T / 2); for a stream without gold 0.
    """
    return sum(target in other[:step] for step, target in enumerate(targets))


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

    def select(self, rows: Tensor) -> Self:
        return replace(super().select(rows), shown=None if self.shown is None else self.shown[rows])

    def attend(self, layer: int) -> Attend:
        if not self.interaction:
            return super().attend(layer)

        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            keys, values = self._append(layer, key, value)
            other = self.partners()
            own = scaled_scores(query, keys)
            theirs = scaled_scores(query, keys[other]) + self._hidden(other, keys.shape[2])
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


class TwoStreams(nn.Module):
    """Offers the view `NextTokenModel`, one step of both streams at a time.

    A checkpoint that was not trained with interaction, or that has one token type for both directions,
    can be run with it, but its places of equal step cannot tell which stream is theirs.

    Args:
        unilm: The network, its copy prior and its token types by direction.
        first: The two direction tokens, left to right and right to left.
        interaction: Whether the streams see each other; without, they are two ordinary decoders.
    """

    def __init__(self, unilm: UniLM, first: tuple[int, int], *, interaction: bool = True) -> None:
        super().__init__()
        self.unilm = unilm
        self.first = first
        self.interaction = interaction
        self.vocab_size = unilm.vocab_size

    def start(self, sources: Sequence[Ids]) -> StreamState:
        """Encode the sources; the state has two rows each, one a stream."""
        read = self.unilm.start(sources).repeat(2)
        return StreamState(**vars(read), interaction=self.interaction)

    def step(self, state: StreamState, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)` to every row of both streams; next-token logits `(rows, vocab)`."""
        network = self.unilm.network
        half = state.size // 2
        kinds = [self.unilm.target_types[first] for first in self.first]
        types = torch.tensor(kinds).repeat_interleave(half).repeat(len(state.lengths))
        x = network.embed(tokens[:, None], state.positions(1), types[:, None])
        for number, layer in enumerate(network.layers):
            x = layer(x, state.attend(number))
        state.advance(1)
        return self.unilm.prior.apply_vote(network.logits(x)[:, 0], state.by_row("vote"))

    def forward(self, sources: Sequence[Ids], streams: Tensor) -> Tensor:
        """Logits after every token of both streams at once, without a cache, as in training.

        Args:
            sources: With `<cls>` and `<sep>`.
            streams: `(rows, 2, steps)`, each beginning with its direction token.

        Returns:
            `(rows, 2, steps, vocab)`.
        """
        types = torch.tensor([self.unilm.target_types[first] for first in self.first])
        types = types.expand(len(streams), -1)
        return teacher_forced(self.unilm, sources, streams, types, interaction=self.interaction)
