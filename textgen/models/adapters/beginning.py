"""Layers of a cache of transformers that keep once what all rows of a group begin with: their source."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

PLAIN = "DynamicLayer"  # keeps every key and value of a row, side by side


def share_beginnings(kept: Any) -> None:
    """Let a cache keep what its rows hold now only once, however often they are repeated.

    Layers that do not keep all of it, such as those of a window, stay as they are.

    Args:
        kept: A cache with one row a group.
    """
    kept.layers = [_shared(layer) if type(layer).__name__ == PLAIN else layer for layer in kept.layers]


class SharedBeginning:
    """The part of a layer that shares; a mixin of transformers' `DynamicLayer`.

    Attributes:
        begun: Keys and values of what each group begins with, `(groups, heads, length, width)`.
        keys: Those of what each row has behind it, `(rows, heads, length, width)`.
        values: The same.
    """

    begun: tuple[Tensor, Tensor]
    keys: Tensor
    values: Tensor

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append keys and values; all that there are, row by row."""
        self.keys = torch.cat([self.keys, keys], -2)
        self.values = torch.cat([self.values, values], -2)
        return _joined(self.begun[0], self.keys), _joined(self.begun[1], self.values)

    def get_seq_length(self) -> int:
        """The length of a row."""
        return self.begun[0].shape[-2] + self.keys.shape[-2]

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Every row so many times, the copies side by side."""
        self.keys = self.keys.repeat_interleave(repeats, 0)
        self.values = self.values.repeat_interleave(repeats, 0)

    def batch_select_indices(self, indices: Tensor) -> None:
        """The rows of these numbers, as `State.select` has them."""
        count = len(self.begun[0])
        size = len(self.keys) // count
        groups = indices[::size] // size
        if not torch.equal(groups, torch.arange(count, device=groups.device)):
            self.begun = self.begun[0][groups], self.begun[1][groups]
        self.keys, self.values = self.keys[indices], self.values[indices]


def _shared(layer: Any) -> Any:
    plain: Any = type(layer)
    found: Any = object.__new__(_kind(plain))
    vars(found).update(vars(layer))
    found.begun = layer.keys, layer.values
    found.keys, found.values = layer.keys[..., :0, :], layer.values[..., :0, :]
    return found


@cache
def _kind(kind: type) -> type:
    return type(f"Shared{kind.__name__}", (SharedBeginning, kind), {})


def _joined(begun: Tensor, behind: Tensor) -> Tensor:
    """What groups begin with, and what their rows have behind it, in one tensor of rows."""
    rows, heads, more, width = behind.shape
    first = begun.shape[-2]
    found = behind.new_empty(rows, heads, first + more, width)
    found.view(len(begun), -1, heads, first + more, width)[..., :first, :] = begun[:, None]
    found[..., first:, :] = behind
    return found
