"""Attention of several rows to one source, whose keys and values are there once.

transformers lets attention be registered by a name. This one is its own `sdpa`, but for keys and values that
several rows share: those rows ask together, as places of one row, so that nothing is copied for each.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import Tensor

NAME = "textgen_by_source"


@cache
def registered() -> str:
    """The name by which transformers knows this attention."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attention_by_source)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    return NAME


def attention_by_source(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    position_bias: Tensor | None = None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention of `query` `(rows, heads, places, width)`; see transformers' `sdpa_attention_forward`.

    Args:
        module: The layer.
        query: What asks.
        key: `(rows, …)`, or `(sources, …)`: then as many rows, side by side, ask one source.
        value: As `key`.
        attention_mask: As `key`, the same for all places.
        position_bias: Of `(1, …)`.
        **settings: Of the layer.

    Returns:
        `(rows, places, heads, width)`.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    rows, heads, places, width = query.shape
    sources = len(key)
    if rows == sources:
        found, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, position_bias=position_bias, **settings
        )
        return found, None
    together = query.view(sources, -1, heads, places, width).transpose(1, 2).flatten(2, 3)
    # of a source, all of it is seen from every place alike
    mask = None if attention_mask is None else attention_mask[:, :, :1]
    bias = None if position_bias is None else position_bias.repeat(1, 1, rows // sources, 1)
    found, _ = sdpa_attention_forward(
        module, together, key, value, mask, position_bias=bias, **settings | {"is_causal": False}
    )
    return found.view(rows, places, heads, -1), None
