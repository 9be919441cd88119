"""The linear layers of a foreign network, multiplying by products of ours."""

from __future__ import annotations

from typing import Any

from torch import nn

from textgen.models.layers.activations import Activations
from textgen.models.layers.linear import MakeProduct

CONV1D = "Conv1D"  # of transformers: a linear layer whose matrix is stored `(in, out)`


def pack_linears(network: nn.Module, make: MakeProduct) -> None:
    """Let the linear layers of a network multiply by products that `make` makes; their matrices go.

    Embeddings stay, for look-ups, and so do layers of other kinds that only derive from a linear layer, such
    as quantised ones. What is left computes in float32, which the products take and give.
    """
    for part in network.modules():
        if type(part) is nn.Linear or type(part).__name__ == CONV1D:
            _pack(part, make)
    network.float()


def _pack(layer: Any, make: MakeProduct) -> None:
    weight, bias = layer.weight.detach().float(), layer.bias
    if type(layer) is not nn.Linear:
        weight = weight.t().contiguous()
    # the layer stays in its place, and what hooks into it, too
    layer.forward = make(weight, None if bias is None else bias.detach().float(), Activations.EVEN)
    layer.weight = layer.bias = None
