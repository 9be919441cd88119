"""Low-rank adapters: of a large matrix only a small correction is trained.

Hu et al. 2021, https://arxiv.org/abs/2106.09685, by peft.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from textgen.errors import UsageError
from textgen.models.empty_weights import unfilled
from textgen.models.layers.linear import Conv1D, Linear


def check_installed() -> None:
    """Raises UsageError where peft is not installed."""
    if find_spec("peft") is None:
        raise UsageError("{@lora} needs peft", hint="pip install '.[train]'")


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
        if isinstance(module, Conv1D):
            network.set_submodule(name, _Transposed(module))
    targets = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
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
        network.set_submodule(name, _conv(module))
    try:
        yield
    finally:
        for name, module in [*plain, *adapted]:
            network.set_submodule(name, module)


class _Transposed(Linear):
    """A Conv1D as the linear layer that adapters know."""

    def __init__(self, conv: Conv1D) -> None:
        inputs, outputs = conv.weight.shape
        with unfilled():
            super().__init__(inputs, outputs)
        self.weight = nn.Parameter(conv.weight.detach().T.contiguous())
        self.bias = conv.bias


def _merged(module: nn.Module) -> nn.Module:
    """The layer that computes what an adapted layer computes."""
    base = module.get_base_layer()  # type: ignore[operator]
    delta: Tensor = module.get_delta_weight("default")  # type: ignore[operator]
    with unfilled():
        plain = Linear(base.in_features, base.out_features, bias=base.bias is not None)
    plain.weight = nn.Parameter((base.weight + delta).detach())
    plain.bias = base.bias
    return _conv(plain) if isinstance(base, _Transposed) else plain


def _conv(linear: nn.Linear) -> Conv1D:
    """The Conv1D that computes what a linear layer computes."""
    with unfilled():
        conv = Conv1D(linear.in_features, linear.out_features)
    conv.weight = nn.Parameter(linear.weight.detach().T.contiguous())
    conv.bias = linear.bias
    return conv
