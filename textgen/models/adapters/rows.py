"""The rows that a foreign network is writing: over a cache of transformers, or read anew every time."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from textgen.models.adapters.beginning import share_beginnings

# layers of a cache that hold keys and values by rows and nothing else
PLAIN = frozenset({"DynamicLayer", "DynamicSlidingWindowLayer", "DynamicIndexedLayer"})
SELF, CROSS = "self_attention_cache", "cross_attention_cache"  # of an encoder-decoder


@dataclass
class CachedRows:
    """Rows in groups of equal size, each group behind one source.

    Attributes:
        lengths: `(groups,)`, ids of each source.
        mask: `(groups, width)`, 1 on the ids of each source and 0 on its padding.
        cache: The cache of all rows, and of a decoder that reads its source elsewhere, what each group's rows
            see of it; None before anything was read.
        size: Rows a group.
        steps: Positions written, the same for all rows.
        extra: Tensors by group that a network needs beside.
    """

    lengths: Tensor
    mask: Tensor
    cache: Any = None
    size: int = 1
    steps: int = 0
    extra: dict[str, Tensor] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.lengths) * self.size

    def each(self, of_groups: Tensor) -> Tensor:
        """What groups have, for each of their rows."""
        return of_groups.repeat_interleave(self.size, 0) if self.size > 1 else of_groups

    def repeat(self, n: int) -> Self:
        """Every row n times."""
        cache = copied(self.cache)
        if cache is not None and n > 1:
            own, *shared = _parts(cache)
            if self.size == 1 and not shared:  # what a decoder read elsewhere is kept apart
                share_beginnings(own)
            own.batch_repeat_interleave(n)
        return replace(self, cache=cache, size=self.size * n)

    def select(self, rows: Tensor) -> Self:
        """A reordering of the rows within their groups, or the rows of whole groups."""
        groups = rows[:: self.size] // self.size
        same = torch.equal(groups, torch.arange(len(self.lengths)))
        cache = copied(self.cache)
        if cache is not None:
            own, *shared = _parts(cache)
            for part in [own] if same else [own, *shared]:
                wanted = rows if part is own else groups
                for layer in part.layers:  # which may lie on different devices
                    layer.batch_select_indices(wanted.to(layer.keys.device))
        if same:
            return replace(self, cache=cache)
        extra = {name: tensor[groups] for name, tensor in self.extra.items()}
        return replace(self, cache=cache, lengths=self.lengths[groups], mask=self.mask[groups], extra=extra)


@dataclass
class WholeRows:
    """Rows of a network that remembers nothing: their texts, which are read anew at every step.

    Attributes:
        texts: The ids of each row.
    """

    texts: Sequence[tuple[int, ...]]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.texts)

    def repeat(self, n: int) -> WholeRows:
        """Every row n times."""
        return WholeRows([text for text in self.texts for _ in range(n)])

    def select(self, rows: Tensor) -> WholeRows:
        """The rows of these numbers."""
        return WholeRows([self.texts[row] for row in rows.tolist()])


def rememberable(cache: Any) -> bool:
    """Whether the rows of a cache can be copied and reordered by its keys and values alone."""
    layers = [getattr(part, "layers", []) for part in _parts(cache)]
    return all(layers) and all(type(layer).__name__ in PLAIN for part in layers for layer in part)


def copied(cache: Any) -> Any:
    """A cache of its own over the same tensors, which a network replaces and never changes."""
    if cache is None:
        return None
    found = copy(cache)
    if hasattr(cache, CROSS):
        setattr(found, SELF, copied(getattr(cache, SELF)))
        setattr(found, CROSS, copied(getattr(cache, CROSS)))
        found.is_updated = dict(cache.is_updated)
    else:
        found.layers = [copy(layer) for layer in cache.layers]
    return found


def _parts(cache: Any) -> list[Any]:
    """What holds the layers of a cache: of the rows themselves, and of the sources that they look at."""
    return [getattr(cache, SELF), getattr(cache, CROSS)] if hasattr(cache, CROSS) else [cache]
