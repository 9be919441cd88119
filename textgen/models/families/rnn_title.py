"""Titles by two LSTM layers that read and two that write.

苏剑林, 玩转Keras之seq2seq自动生成标题, https://kexue.fm/archives/5861. The source is read from both ends at
once; its maximum over all places, the global vector, scales and shifts what the writing layers normalise.
What they write attends to the source, and the copy prior leans it towards the source's tokens. The end
of the title that comes first is said by its first token, `<l2r>` or `<r2l>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from textgen.models.family import Sizes
from textgen.models.layers.attention import both_sides, join_heads, padded_length, padding_bias, split_heads
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.layers.linear import Linear
from textgen.models.padding import padded
from textgen.models.views import FRAME, Ids, ThroughHidden

LAYERS = 2
SLOPE = 0.2  # of the LeakyReLU

Carried = tuple[Tensor, Tensor]  # output and cell of an LSTM, each (1, rows, hidden_size)


@dataclass(frozen=True)
class RnnTitleConfig(Sizes):
    """The sizes of an `RnnTitle`, named as in its `config.json`.

    Attributes:
        vocab_size: Tokens, shared by sources and titles.
        hidden_size: Width of the embedding and of every layer; even.
        num_heads: Heads of the attention to the source.
        modulation_size: Inner width of what makes scales and shifts of the global vector.
        source_length: Most tokens of a source, without `<cls>` and `<sep>`.
        prior: Whether there is a copy prior.
    """

    vocab_size: int
    hidden_size: int = 128
    num_heads: int = 8
    modulation_size: int = 32
    source_length: int = 400
    prior: bool = True


@dataclass
class RnnState:
    """Titles that are being written, in groups of equal size that share a source.

    Attributes:
        keys: Of the source's places, `(groups, heads, length, width)`.
        values: Of the same shape.
        bias: Additive mask over the source, `(groups, 1, 1, length)`.
        modulation: Scale and shift of each norm, `(groups, 2, hidden_size)`.
        vote: What the copy prior says of each token, `(groups, vocab)`; None without a prior.
        carried: What each LSTM carries from step to step.
        size: Rows a group.
    """

    keys: Tensor
    values: Tensor
    bias: Tensor
    modulation: list[Tensor]
    vote: Tensor | None
    carried: list[Carried]
    size: int = 1

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.keys) * self.size

    def repeat(self, n: int) -> Self:
        """Every row n times; what is of the source stays one copy."""
        carried = [(h.repeat_interleave(n, 1), c.repeat_interleave(n, 1)) for h, c in self.carried]
        return replace(self, carried=carried, size=self.size * n)

    def select(self, rows: Tensor) -> Self:
        """A reordering of the rows within their groups, or the rows of whole groups."""
        carried = [(h[:, rows], c[:, rows]) for h, c in self.carried]
        groups = rows[:: self.size] // self.size
        if torch.equal(groups, torch.arange(len(self.keys))):
            return replace(self, carried=carried)
        return replace(
            self,
            keys=self.keys[groups],
            values=self.values[groups],
            bias=self.bias[groups],
            modulation=[of_norm[groups] for of_norm in self.modulation],
            vote=None if self.vote is None else self.vote[groups],
            carried=carried,
        )

    def modulate(self, norm: int, x: Tensor) -> Tensor:
        """Normalise `x` `(rows, count, hidden_size)`, then scale and shift it as its source says."""
        scale, shift = self.modulation[norm].repeat_interleave(self.size, 0)[:, :, None].unbind(1)
        return functional.layer_norm(x, x.shape[-1:]) * scale + shift

    def attend(self, query: Tensor) -> Tensor:
        """Contexts from the source, `(rows, count, hidden_size)`, for queries of that shape."""
        # the rows of a group ask the same keys, so to the keys they are one row of more queries
        grouped = query.reshape(len(self.keys), -1, query.shape[-1])
        heads = split_heads(grouped, self.keys.shape[1])
        # torch takes a float32 mask beside float64 queries without a word, and computes something else
        attend = both_sides(self.bias.to(query.dtype))
        return join_heads(attend(heads, self.keys, self.values)).view_as(query)


class BothWays(nn.Module):
    """Two LSTMs of half the width, one from each end of the text.

    Padding stands behind the text in either order, so neither has seen any of it when it reads the text.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.forth = nn.LSTM(width, width - width // 2, batch_first=True)
        self.back = nn.LSTM(width, width // 2, batch_first=True)

    def forward(self, x: Tensor, reversal: Tensor) -> Tensor:
        """States `(rows, length, width)`; `reversal` is from `reversed_places`."""
        forth, _ = self.forth(x)
        back, _ = self.back(_reordered(x, reversal))
        return torch.cat([forth, _reordered(back, reversal)], -1)


class Modulation(nn.Module):
    """Scale and shift of a norm, each by two layers from the global vector."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gamma = nn.Sequential(Linear(width, inner), nn.ReLU(), Linear(inner, width))
        self.beta = nn.Sequential(Linear(width, inner), nn.ReLU(), Linear(inner, width))

    def forward(self, summary: Tensor) -> Tensor:
        """`(rows, 2, width)` from global vectors `(rows, width)`."""
        return torch.stack([1 + self.gamma(summary), self.beta(summary)], 1)


class RnnTitle(ThroughHidden, nn.Module):
    """Offers the view `TitleModel`.

    A source comes with its `<cls>` and `<sep>`; the first token of a target says its direction.
    """

    two_way = False  # an LSTM carries one stream

    def __init__(self, config: RnnTitleConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.config = config
        self.vocab_size = config.vocab_size
        self.embedding = nn.Embedding(config.vocab_size, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(LAYERS))
        self.readers = nn.ModuleList(BothWays(width) for _ in range(LAYERS))
        self.modulations = nn.ModuleList(Modulation(width, config.modulation_size) for _ in range(LAYERS + 1))
        self.writers = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(LAYERS))
        self.query, self.key, self.value = (Linear(width, width, bias=False) for _ in range(3))
        self.dense = Linear(2 * width, width)
        self.output = Linear(width, config.vocab_size)
        self.prior = CopyPrior(config.vocab_size) if config.prior else None

    def source_room(self, title: int) -> int:
        """Most ids of a source; the length of its title takes none of them."""
        return self.config.source_length + FRAME

    def start(self, sources: Sequence[Ids]) -> RnnState:
        """Read sources that share one padded length."""
        return self._start(sources, padded_length(max(map(len, sources))))

    def read(self, sources: Sequence[Ids]) -> tuple[RnnState, list[Tensor]]:
        """Like `start`, with no hidden states: a source is not part of the text that is written."""
        return self.start(sources), [torch.empty(0, self.config.hidden_size) for _ in sources]

    def hidden(self, state: RnnState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, hidden_size)`."""
        x = self.embedding(tokens)
        for number, writer in enumerate(self.writers):
            x, state.carried[number] = writer(state.modulate(number, x), state.carried[number])
        x = state.modulate(LAYERS, x)
        context = state.attend(self.query(x))
        return functional.leaky_relu(self.dense(torch.cat([x, context], -1)), SLOPE)

    def head(self, state: RnnState, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states and the copy prior; see `HiddenModel`."""
        logits: Tensor = self.output(hidden)
        if state.vote is None:
            return logits
        vote = state.vote.repeat_interleave(len(hidden) // len(state.vote), 0)
        return CopyPrior.apply_vote(logits, vote[:, None])

    def forward(self, sources: Sequence[Ids], targets: Tensor) -> Tensor:
        """Logits after every token of the targets, as in training.

        Args:
            sources: With `<cls>` and `<sep>`, of any lengths.
            targets: `(rows, steps)`, one a source, each beginning with its direction token, padded on the
                right with anything.

        Returns:
            `(rows, steps, vocab)`.
        """
        return self.extend(self._start(sources, max(map(len, sources))), targets)

    def _start(self, sources: Sequence[Ids], width: int) -> RnnState:
        lengths = torch.tensor([len(source) for source in sources])
        x, reversal = self.embedding(padded(sources, width)), reversed_places(lengths, width)
        for norm, reader in zip(self.norms, self.readers, strict=True):
            x = reader(norm(x), reversal)
        summary = _highest(x, lengths)
        nothing = x.new_zeros(1, len(sources), self.config.hidden_size)
        return RnnState(
            split_heads(self.key(x), self.config.num_heads),
            split_heads(self.value(x), self.config.num_heads),
            padding_bias(lengths, width),
            [modulation(summary) for modulation in self.modulations],
            None if self.prior is None else self.prior.vote(sources),
            [(nothing, nothing)] * LAYERS,
        )


def reversed_places(lengths: Tensor, width: int) -> Tensor:
    """Places `(rows * width,)` of the rows end to end that reverse each row's own ids and leave its padding.

    Done twice, it changes nothing.
    """
    place = torch.arange(width)
    mirrored = lengths[:, None] - 1 - place
    own = torch.where(mirrored >= 0, mirrored, place)
    return (own + width * torch.arange(len(lengths))[:, None]).flatten()


def _reordered(x: Tensor, places: Tensor) -> Tensor:
    return x.flatten(0, 1).index_select(0, places).view_as(x)


def _highest(x: Tensor, lengths: Tensor) -> Tensor:
    """The maximum of `x` `(rows, length, width)` over each row's own places, `(rows, width)`."""
    padding = torch.arange(x.shape[1]) >= lengths[:, None]
    return x.masked_fill(padding[:, :, None], -torch.inf).amax(1)
