"""The linear layers of a foreign network, multiplying by products of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from textgen.models.layers.activations import Activations
from textgen.models.layers.linear import MakeProduct

CONV1D = "Conv1D"  # of transformers: a linear layer whose matrix is stored `(in, out)`


def pack_linears(network: nn.Module, make: MakeProduct, run: Callable[[], object]) -> None:
    """Let the linear layers of a network multiply by products that `make` makes; their matrices go.

    Embeddings stay, for look-ups, and so do layers of other kinds that only derive from a linear layer, such
    as quantised ones, and those whose matrices the network takes for itself. What is left computes in
    float32, which the products take and give.

    Args:
        network: The network.
        make: Makes a product.
        run: Runs the network, which calls all layers that multiply.
    """
    called: set[nn.Module] = set()
    linear = [part for part in network.modules() if is_linear(part)]
    hooks = [part.register_forward_pre_hook(lambda layer, _: called.add(layer)) for part in linear]
    run()
    for hook in hooks:
        hook.remove()
    for part in called:
        _pack(part, make)
    network.float()


def is_linear(layer: nn.Module) -> bool:
    """Whether a layer multiplies by a matrix, adds a bias and does nothing else."""
    return type(layer) is nn.Linear or type(layer).__name__ == CONV1D


def _pack(layer: Any, make: MakeProduct) -> None:
    weight, bias = layer.weight.detach().float(), layer.bias
    if type(layer) is not nn.Linear:
        weight = weight.t().contiguous()
    # the layer stays in its place, and what hooks into it, too
    layer.forward = make(weight, None if bias is None else bias.detach().float(), Activations.EVEN)
    # nothing but a number type, which networks ask for
    layer.weight, layer.bias = nn.Parameter(weight.new_empty(0), requires_grad=False), None
