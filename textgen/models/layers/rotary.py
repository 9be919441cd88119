"""Rotary positions: queries and keys are turned by angles that grow with their places.

Su et al. 2021, RoFormer, https://arxiv.org/abs/2104.09864; 苏剑林, https://kexue.fm/archives/8265.
"""

from __future__ import annotations

import torch
from torch import Tensor

from textgen.models.layers.attention import Attend

BASE = 10000.0


def sines(count: int, width: int) -> Tensor:
    """The table `(count, width)` of the first places that RoFormer's files keep: sines, then cosines."""
    cosine, sine = _waves(torch.arange(count)[None], width)
    return torch.cat([sine, cosine], -1)[0, 0]


def turning(attend: Attend, positions: Tensor) -> Attend:
    """Attention whose scores depend on how far places are apart.

    Args:
        attend: Attention to what is turned already, and to what is turned here.
        positions: `(rows or 1, length)`, the places of what asks, and of its keys.
    """

    def turned_attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        cosine, sine = _waves(positions, query.shape[-1])
        return attend(_turned(query, cosine, sine), _turned(key, cosine, sine), value)

    return turned_attend


def _waves(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    rates = BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = (positions[:, None, :, None] * rates).float()
    return angles.cos(), angles.sin()


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Pairs of neighbouring numbers, `(rows, heads, length, width)`, turned in their plane."""
    first, second = x[..., 0::2], x[..., 1::2]
    pairs = torch.stack([first * cosine - second * sine, second * cosine + first * sine], -1)
    turned: Tensor = pairs.flatten(-2).to(x.dtype)
    return turned
