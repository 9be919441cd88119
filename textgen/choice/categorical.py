"""Drawing from a row of probabilities with one uniform number."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def invert_cdf(probs: Tensor, uniforms: Sequence[float]) -> Tensor:
    """Draw one id a row by inverting the cumulative distribution in id order.

    Args:
        probs: `(rows, vocab)`; rows need not sum to one exactly.
        uniforms: One number on [0, 1) a row.

    Returns:
        `(rows,)`, the first id whose cumulative probability exceeds the row's number; never one of
        probability zero.
    """
    cumulative = probs.double().cumsum(-1)
    total = cumulative[:, -1:]
    goal = torch.tensor(uniforms, dtype=torch.float64)[:, None] * total
    # a goal rounded up to the total would fall behind the last possible id
    goal = torch.minimum(goal, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(cumulative, goal, right=True)[:, 0]
