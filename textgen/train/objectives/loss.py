"""The loss: cross entropy, and terms that may be added to it.

All are sums over what is predicted. The loop divides by how many predictions the whole step has, so that
neither the split of a step into parts nor the number of processes changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

NO_TARGET = -1  # behind the end of what is to be predicted


@dataclass(frozen=True)
class Prediction:
    """The logits of a network, and the targets.

    Attributes:
        logits: `(places, vocab)`.
        targets: `(places,)`.
    """

    logits: Tensor
    targets: Tensor


def cross_entropy(prediction: Prediction, smoothing: float = 0.0) -> Tensor:
    """Sum of the negative log-probabilities of the targets.

    Args:
        prediction: What was predicted.
        smoothing: Mass taken from the target and spread over all tokens; Szegedy et al. 2016,
            https://arxiv.org/abs/1512.00567.
    """
    logits = prediction.logits.float()
    return functional.cross_entropy(logits, prediction.targets, reduction="sum", label_smoothing=smoothing)


def symmetric_kl(one: Tensor, other: Tensor) -> Tensor:
    """Sum over places of (KL(p || q) + KL(q || p)) / 4 of two passes with different dropout.

    Liang et al. 2021, R-Drop, https://arxiv.org/abs/2106.14448, in 苏剑林's scale: the loss of both passes
    is the mean of their cross entropies plus alpha times this.

    Args:
        one: Logits `(places, vocab)`.
        other: The same, of the other pass.
    """
    p, q = one.float().log_softmax(-1), other.float().log_softmax(-1)
    return ((p.exp() - q.exp()) * (p - q)).sum() / 4


@contextmanager
def embedded_inputs(network: nn.Module, table: Tensor) -> Iterator[list[Tensor]]:
    """Collect what embeddings give while a network runs: an entry a call, of every occurrence.

    Its gradient can be asked for, even where the table itself is not trained.

    Args:
        network: The network.
        table: The weight of its token embeddings, which several parts may share.
    """
    found: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda module, ids, output: found.append(output.requires_grad_()))
        for part in network.modules()
        if isinstance(part, nn.Embedding) and part.weight is table
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def gradient_penalty(loss: Tensor, embedded: list[Tensor]) -> Tensor:
    """Half the squared norm of the loss's gradient with respect to the embedded inputs.

    Of every occurrence of a token for itself, as 苏剑林, https://kexue.fm/archives/7259 takes it, not of
    the rows of the table. It needs a second derivative, which fused attention does not have.

    Args:
        loss: Already divided by the number of predictions.
        embedded: From `embedded_inputs`.
    """
    gradients = torch.autograd.grad(loss, embedded, create_graph=True)
    return sum((gradient.float().square().sum() for gradient in gradients), torch.zeros(())) / 2


@contextmanager
def perturbed(weight: Tensor, gradient: Tensor, length: float) -> Iterator[None]:
    """Move a table against the network: a step of a given length along its gradient (fast gradient method).

    Miyato et al. 2017, https://arxiv.org/abs/1605.07725. What is propagated back meanwhile adds to the
    gradients that are there.
    """
    kept = weight.detach().clone()
    norm = float(gradient.norm())
    if norm:
        weight.data.add_(gradient, alpha=length / norm)
    try:
        yield
    finally:
        weight.data.copy_(kept)
