"""Keys and values of what was read and written so far.

The rows that continue one source share its keys and values: a beam of four over 460 tokens keeps one copy
and multiplies it once. Only what the rows wrote themselves is theirs, so a beam that reorders its
hypotheses moves a few dozen positions, not the source. A short source is copied to each row: one product over
all that a row sees is then faster. Which of the two it is depends on the source's padded length alone, as the
last bits of a row's numbers do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from textgen.models.layers.attention import LINE, ROWS_A_THREAD, Attend, aligned_length, attention

BLOCK = 16  # the written part has room for a multiple of so many positions
SHORT = 64  # positions of a source that each row has a copy of

KeyValue = tuple[Tensor, Tensor]


@dataclass
class CacheState:
    """Rows of a decoder, in groups of equal size that share a prefix.

    Attributes:
        prefix: Keys and values a layer, `(groups, heads, padded length, width)`; empty without a prefix.
        bias: Additive mask over the prefix, `(groups, 1, 1, padded length)`.
        lengths: `(groups,)`, how long each prefix is.
        size: Rows a group.
        written: Keys and values a layer, `(rows, heads, capacity, width)`.
        steps: Positions written, the same for all rows.
        mask: Additive mask over all that rows see, `(rows, 1, new, all)`, if they share no prefix.
        extra: Tensors by group that a model adds, such as the copy prior.
    """

    prefix: list[KeyValue]
    bias: Tensor
    lengths: Tensor
    size: int = 1
    written: list[KeyValue] = field(default_factory=list)
    steps: int = 0
    mask: Tensor = field(default_factory=lambda: torch.empty(0))
    extra: dict[str, Tensor] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.lengths) * self.size

    @property
    def copied(self) -> int:
        """Positions of a short prefix, which stand in `written` before what was written."""
        return 0 if self.prefix else self.bias.shape[-1]

    def positions(self, count: int) -> Tensor:
        """Position ids `(rows, count)` of the next tokens."""
        start: Tensor = self.lengths.repeat_interleave(self.size)[:, None] + self.steps
        return start + torch.arange(count)

    def by_row(self, name: str) -> Tensor:
        """A tensor of `extra`, repeated for the rows of each group."""
        return self.extra[name].repeat_interleave(self.size, 0)

    def repeat(self, n: int) -> Self:
        """Every row n times; the prefix stays one copy."""
        written = [(k.repeat_interleave(n, 0), v.repeat_interleave(n, 0)) for k, v in self.written]
        return replace(self, size=self.size * n, written=written, extra=dict(self.extra))

    def select(self, rows: Tensor) -> Self:
        """A reordering of the rows within their groups, or the rows of whole groups."""
        return self.narrowed(rows, self.size)

    def narrowed(self, rows: Tensor, size: int) -> Self:
        """So many rows of each group that stays; see `NarrowingState`."""
        written = [(k.index_select(0, rows), v.index_select(0, rows)) for k, v in self.written]
        groups = rows[::size] // self.size
        if torch.equal(groups, torch.arange(len(self.lengths))):
            return replace(self, size=size, written=written, extra=dict(self.extra))
        return replace(
            self,
            prefix=[(k[groups], v[groups]) for k, v in self.prefix],
            bias=self.bias[groups],
            lengths=self.lengths[groups],
            size=size,
            written=written,
            extra={name: tensor[groups] for name, tensor in self.extra.items()},
        )

    def attend(self, layer: int) -> Attend:
        """Attention of a layer to the prefix and to what was written, keeping the new keys and values."""

        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            if layer == 0:
                self._prepare(query.shape[2], query.shape[3])
            keys, values = self._append(layer, key, value)
            if not self.prefix:
                seen = self.mask.shape[-1]
                return attention(query, keys[:, :, :seen], values[:, :, :seen], self.mask)
            end = self.steps + query.shape[2]
            keys, values = keys[:, :, :end], values[:, :, :end]
            query = scaled(query)
            own = query @ keys.transpose(-1, -2)
            if query.shape[2] > 1:
                own += _causal_bias(query.shape[2], keys.shape[2])
            return self._with_prefix(layer, query, own, values)

        return attend

    def advance(self, count: int) -> None:
        """Count the positions that every layer has appended."""
        self.steps += count

    def _prepare(self, new: int, width: int) -> None:
        """Copy a short prefix to every row, and make the mask for so many new positions, of heads so wide."""
        if self.prefix and self.bias.shape[-1] <= SHORT:
            self.written = [(self._each(keys), self._each(values)) for keys, values in self.prefix]
            self.prefix = []
        if not self.prefix:
            causal = _causal_bias(new, self.steps + new)[None, None]
            if self.copied:
                behind = self._each(self.bias).expand(-1, -1, new, -1)
                causal = torch.cat([behind, causal.expand(self.rows, -1, -1, -1)], -1)
            unwritten = aligned_length(causal.shape[-1], width) - causal.shape[-1] if new == 1 else 0
            self.mask = functional.pad(causal, (0, unwritten), value=-torch.inf)

    def _each(self, of_groups: Tensor) -> Tensor:
        """What groups have, for each of their rows."""
        return of_groups.repeat_interleave(self.size, 0) if self.size > 1 else of_groups

    def _append(self, layer: int, key: Tensor, value: Tensor) -> KeyValue:
        start = self.copied + self.steps
        end = start + key.shape[2]
        if layer == len(self.written):
            self.written.append((_empty(key), _empty(value)))
        keys, values = (_grown(buffer, end + LINE) for buffer in self.written[layer])
        keys[:, :, start:end] = key
        values[:, :, start:end] = value
        self.written[layer] = keys, values
        return keys, values

    def _with_prefix(self, layer: int, query: Tensor, own: Tensor, values: Tensor) -> Tensor:
        """One softmax over the prefix and over what has the scores `own`; the query is `scaled`."""
        prefix_keys, prefix_values = self.prefix[layer]
        length, width = query.shape[2], prefix_keys.shape[2]
        shared = self._by_group(query) @ prefix_keys.transpose(-1, -2)
        shared += self.bias
        weights = torch.cat([self._by_rows(shared, length), own], dim=-1).softmax(-1)
        context = self._by_rows(self._by_group(weights[..., :width]) @ prefix_values, length)
        return context + weights[..., width:] @ values

    def _by_group(self, x: Tensor) -> Tensor:
        """`(rows, heads, length, width)` to `(groups, heads, queries padded to fours, width)`."""
        rows, heads, length, width = x.shape
        count = self.size * length
        if self.size > 1:
            x = x.reshape(-1, self.size, heads, length, width).transpose(1, 2)
            x = x.reshape(-1, heads, count, width)
        missing = -count % ROWS_A_THREAD
        if not missing:
            return x
        grouped = x.new_zeros(rows // self.size, heads, count + missing, width)
        grouped[:, :, :count] = x
        return grouped

    def _by_rows(self, x: Tensor, length: int) -> Tensor:
        """The inverse of `_by_group`, for so many queries a row."""
        groups, heads, _, width = x.shape
        x = x[:, :, : self.size * length]
        if self.size == 1:
            return x
        x = x.reshape(groups, heads, self.size, length, width)
        return x.transpose(1, 2).reshape(-1, heads, length, width)


def scaled(query: Tensor) -> Tensor:
    """Queries whose products with keys are attention scores, before the mask and the softmax."""
    product: Tensor = query * query.shape[-1] ** -0.5
    return product


def _causal_bias(new: int, total: int) -> Tensor:
    """Additive mask `(new, total)`: the i-th new position sees what was written up to itself."""
    seen = torch.zeros(new, total)
    if new > 1:
        seen.masked_fill_(torch.ones(new, total, dtype=torch.bool).triu(total - new + 1), -torch.inf)
    return seen


def _empty(like: Tensor) -> Tensor:
    rows, heads, _, width = like.shape
    return like.new_empty(rows, heads, 0, width)


def _grown(buffer: Tensor, length: int) -> Tensor:
    """The buffer with room for a length, and half as much again as it had, so that it seldom grows.

    What is not written yet is zero: masked, but looked at.
    """
    rows, heads, old, width = buffer.shape
    if length <= old:
        return buffer
    room = -(-max(length, old * 3 // 2) // BLOCK) * BLOCK
    grown = buffer.new_empty(rows, heads, room, width)
    grown[:, :, :old] = buffer
    grown[:, :, old:] = 0.0
    return grown
