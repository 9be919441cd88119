"""Low-rank adapters: of a large matrix only a small correction is trained.

Hu et al. 2021, https://arxiv.org/abs/2106.09685, by peft.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import UsageError
from textgen.models.adapters.products import CONV1D
from textgen.models.empty_weights import unfilled
from textgen.models.layers.linear import Linear


def add_adapters(
    network: nn.Module, rank: int, *, alpha: float, seed: int, still_trained: Sequence[str] = ()
) -> None:
    """Freeze a network but for adapters of its linear layers, which change nothing yet.

    Args:
        network: Changed in place.
        rank: Of the adapters.
        alpha: What they add is scaled by alpha / rank.
        seed: Of their first weights.
        still_trained: Parts of names of parameters that are trained as they are.

    Raises:
        UsageError: There is nothing to adapt.
    """
    from peft import LoraConfig, inject_adapter_in_model

    for name, module in list(network.named_modules()):
        if type(module).__name__ == CONV1D:
            network.set_submodule(name, _Transposed(module))
    # a matrix that is an embedding, too, would be merged into one of its uses alone
    tied = {id(part.weight) for part in network.modules() if isinstance(part, nn.Embedding)}
    targets = [
        name
        for name, module in network.named_modules()
        if adaptable(module) and id(module.weight) not in tied
    ]
    if not targets:
        raise UsageError("{@lora}: the network has no layers to adapt", hint="leave it out")
    # peft draws first weights from the global generator, whose state is put back
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(
            LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets),  # type: ignore[arg-type]
            network,
        )
    for name, weight in network.named_parameters():
        weight.requires_grad_("lora_" in name or any(part in name for part in still_trained))


def adaptable(module: nn.Module) -> bool:
    """Whether a layer only multiplies by a matrix that may be corrected."""
    return isinstance(module, Linear) or type(module) is nn.Linear


@contextmanager
def merged(network: nn.Module) -> Iterator[None]:
    """Let the network be as it was made, its adapters added to its weights."""
    adapted = [
        (name, module) for name, module in network.named_modules() if hasattr(module, "get_delta_weight")
    ]
    for name, module in adapted:
        network.set_submodule(name, _merged(module))
    plain = [(n, module) for n, module in network.named_modules() if isinstance(module, _Transposed)]
    for name, module in plain:
        network.set_submodule(name, module.with_weight(module.weight))
    try:
        yield
    finally:
        for name, module in [*plain, *adapted]:
            network.set_submodule(name, module)


class _Transposed(Linear):
    """A Conv1D, of ours or of transformers, as the linear layer that adapters know."""

    def __init__(self, conv: Any) -> None:
        inputs, outputs = conv.weight.shape
        with unfilled():
            super().__init__(inputs, outputs)
        self.weight = nn.Parameter(conv.weight.detach().T.contiguous())
        self.bias = conv.bias
        self._conv = (conv,)  # no part of this one

    def with_weight(self, weight: Tensor) -> nn.Module:
        """The Conv1D that computes what this layer does with a weight."""
        return _with_weight(self._conv[0], weight.T.contiguous())


def _merged(module: nn.Module) -> nn.Module:
    """The layer that computes what an adapted layer computes."""
    base = module.get_base_layer()  # type: ignore[operator]
    delta: Tensor = module.get_delta_weight("default")  # type: ignore[operator]
    weight = (base.weight + delta).detach()
    return base.with_weight(weight) if isinstance(base, _Transposed) else _with_weight(base, weight)


def _with_weight(layer: nn.Module, weight: Tensor) -> nn.Module:
    """A layer like another, with its bias and another weight."""
    found = copy(layer)
    found._parameters = {**layer._parameters, "weight": nn.Parameter(weight.detach())}
    return found
