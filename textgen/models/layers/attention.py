"""Attention and the matmuls around it, so that a row's numbers do not depend on its neighbours.

In float32 the sum a matmul takes depends on its shape: the kernels have different inner loops for one,
two or three, and four and more rows a thread, and cut long sums at places that depend on the padded
length. So few rows are padded to four a thread, and rows are only batched with rows of the same padded
length (`padded_length`): then the numbers are the same, bit for bit, alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

ROWS_A_THREAD = 4
FEW_ROWS = 64  # from here on the kernels no longer care
LINE = 16  # numbers in a line of the cache
SPLIT = 512  # keys that the attention kernel looks at together

# (query, key, value), each (rows, heads, length, width) -> context of the same shape
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def padded_length(length: int) -> int:
    """The length a sequence is padded to: the next multiple of 16, above 128 of 64."""
    unit = 16 if length <= 128 else 64
    return -(-length // unit) * unit


def row_stable(multiply: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a matmul to the last axis of `x` so that no row's result depends on how many there are."""
    rows = x.reshape(-1, x.shape[-1])
    count = rows.shape[0]
    if count >= FEW_ROWS:
        return multiply(rows).view(*x.shape[:-1], -1)
    missing = -count % (ROWS_A_THREAD * torch.get_num_threads())
    out = multiply(functional.pad(rows, (0, 0, 0, missing)))
    return out[:count].view(*x.shape[:-1], -1)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`, weight `(out, in)`, stable by row."""
    return row_stable(lambda rows: functional.linear(rows, weight, bias), x)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """`(rows, length, heads * width)` to `(rows, heads, length, width)`."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """The inverse of `split_heads`."""
    return x.transpose(1, 2).flatten(2)


def padding_bias(lengths: Tensor, width: int) -> Tensor:
    """Additive float mask `(rows, 1, 1, width)`: 0 on a row's own positions, -inf behind them."""
    behind = torch.arange(width) >= lengths[:, None]
    return torch.zeros(behind.shape).masked_fill_(behind, -torch.inf)[:, None, None, :]


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Attention to every position that the additive mask allows, stable by row.

    The kernel gives each thread a place of its own, for the scores of its queries, their contexts and two
    sums; with fewer than four queries it sums in an order that depends on where that place begins in a line
    of the cache, and so on which thread has the row. So there are four at least, or one and a length of keys
    at which all places begin alike (`aligned_length`).
    """
    queries, keys = query.shape[2], key.shape[2]
    missing = max(0, ROWS_A_THREAD - queries)
    if missing and not (queries == 1 and keys <= SPLIT and keys == aligned_length(keys, query.shape[3])):
        query = functional.pad(query, (0, 0, 0, missing))
        bias = bias if bias.shape[-2] == 1 else functional.pad(bias, (0, 0, 0, missing))
    context = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return context[:, :, :queries]


def aligned_length(length: int, width: int) -> int:
    """The least length of keys, from a length on, at which one query of this width needs no company."""
    return length + -(length + width + 2) % LINE


def both_sides(bias: Tensor) -> Attend:
    """Attention to every position that the additive mask allows."""
    return lambda query, key, value: attention(query, key, value, bias)
