"""A network of transformers, divided into a trunk, which gives hidden states, and a head, which makes logits.

Nothing here imports transformers: a network comes as it was loaded, and is known by its own signatures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from inspect import signature
from typing import Any, Self

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.adapters.foreign_dropout import own_dropout
from textgen.models.adapters.products import pack_linears
from textgen.models.layers.linear import MakeProduct

SINES = "Sinusoidal"  # in the names of classes of embeddings that are computed
PROBE = 4  # tokens of a row that a network is tried on
# of the largest logit, what rounding may change
CLOSE, CLOSE_IN_16_BITS = 1e-4, 2e-2
# how a head that goes otherwise than others fails
FAILURES = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
CACHE_NAMES = ("cache", "past_key_values")  # transformers has renamed it


class Divided(nn.Module, ABC):
    """The base of the adapters.

    Args:
        network: The network, in evaluation mode.
        trunk: The part of it whose last hidden states its head makes logits of; or the network itself.

    Attributes:
        network: The network.
        vocab_size: Logits of a place.
        width: Of a hidden state.
        shows_hidden: Whether hidden states are those of the network; else the head cannot be told from the
            rest, and the logits take their place.
    """

    vocab_size: int
    width: int

    def __init__(self, network: Any, trunk: nn.Module) -> None:
        super().__init__()
        own_dropout(network)
        self.network = network
        self.shows_hidden = trunk is not network
        self._below = next(
            (name for name, part in network.named_children() if any(one is trunk for one in part.modules())),
            "",
        )

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all be trained, or nothing; but never sines, such as the positions of a Pegasus."""
        super().requires_grad_(requires_grad)
        for part in self.network.modules():
            if SINES in type(part).__name__:
                part.requires_grad_(False)
        return self

    @property
    def embedding(self) -> nn.Embedding:
        """The vectors of the tokens."""
        found: nn.Embedding = self.network.get_input_embeddings()
        return found

    def pack(self, make: MakeProduct) -> None:
        """The linear layers, the head among them, multiply by products; see `Packable`.

        Raises:
            ModelError: The network does more with their matrices than multiply.
        """
        with torch.no_grad():
            pack_linears(self.network, make, lambda: self._whole_logits(self._probe()))
            try:
                self._whole_logits(self._probe())
            except FAILURES as error:
                raise ModelError(
                    "{name} multiplies in fp32 only: {error}",
                    name=type(self.network).__name__,
                    error=error,
                    hint="{@precision} fp32",
                ) from None

    @abstractmethod
    def _whole_logits(self, ids: Tensor) -> Tensor:
        """The logits `(rows, count, vocab)` that the whole network computes of ids."""

    def _probe(self) -> Tensor:
        """Two rows of ids that differ in their last."""
        table = self.embedding.weight
        ids = torch.arange(2 * PROBE, device=table.device).view(2, PROBE) % len(table)
        ids[1, :-1] = ids[0, :-1]
        return ids

    def _settle(self, whole: Tensor, hidden: Tensor) -> None:
        """Find out what the network shows, by its logits `(rows, count, vocab)` and the hidden states."""
        self.vocab_size = whole.shape[-1]
        if self.shows_hidden:
            try:
                self.shows_hidden = near(self._logits(hidden), whole)
            except FAILURES:
                self.shows_hidden = False
        self.width = hidden.shape[-1] if self.shows_hidden else self.vocab_size

    def _shown(self, output: Any, ids: Tensor) -> Tensor:
        """The hidden states in what was computed of ids; the logits where they take their place.

        They lie where the ids do: parts of a large network may lie on other devices.
        """
        found: Tensor = output.last_hidden_state if self.shows_hidden else output.logits
        return found.to(ids.device)

    def _logits(self, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` of hidden states, float32.

        The head is what the network computes around its trunk, scales and caps included: its own forward,
        with hidden states in place of the trunk.
        """
        if not self.shows_hidden:
            return hidden.float()
        kind: Any = type(self.network)
        around = object.__new__(kind)
        around.__dict__.update(self.network.__dict__)
        around.__dict__["_modules"] = self.network._modules | {self._below: _Given(hidden)}
        encoded = {"encoder_outputs": (hidden,)} if "encoder_outputs" in parameters(self.network) else {}
        logits: Tensor = kind.forward(around, **encoded).logits
        return logits.float().to(hidden.device)


class _Given(nn.Module):
    """A trunk that gives the hidden states that it was given."""

    def __init__(self, hidden: Tensor) -> None:
        super().__init__()
        self.output = _Output(hidden)

    def forward(self, *_: Any, **__: Any) -> _Output:
        return self.output


class _Output:
    """The output of a trunk, with hidden states and nothing else."""

    def __init__(self, hidden: Tensor) -> None:
        self.last_hidden_state = hidden

    def __getitem__(self, number: Any) -> Any:
        return (self.last_hidden_state,)[number]

    def __getattr__(self, name: str) -> None:
        return None


def parameters(network: nn.Module) -> frozenset[str]:
    """The names of what a network's forward takes."""
    return _parameters(type(network).forward)


@cache
def _parameters(forward: Callable[..., Any]) -> frozenset[str]:
    return frozenset(signature(forward).parameters)


def cache_argument(network: nn.Module, cache: Any) -> dict[str, Any]:
    """A cache as an argument of a network's forward; none, if there is no cache yet."""
    known = parameters(network)
    return {} if cache is None else {next(name for name in CACHE_NAMES if name in known): cache}


def cache_of(output: Any) -> Any:
    """The cache in what a network has computed; None if there is none."""
    found = (getattr(output, name, None) for name in CACHE_NAMES)
    return next((cache for cache in found if cache is not None), None)


def near(found: Tensor, expected: Tensor) -> bool:
    """Whether logits are those that a network computes, but for rounding in its precision."""
    if found.shape != expected.shape:
        return False
    close = CLOSE if expected.dtype == torch.float32 else CLOSE_IN_16_BITS
    apart = close * float(expected.abs().max())
    return torch.allclose(found.float(), expected.float(), rtol=0, atol=apart, equal_nan=True)


def folded(logits: Tensor, ends: Sequence[int]) -> Tensor:
    """Logits in which the first end has the probability of all ends, and the others have none."""
    first, *others = dict.fromkeys(ends)
    if not others:
        return logits
    logits = logits.clone()
    logits[..., first] = logits[..., [first, *others]].logsumexp(-1)
    logits[..., others] = -torch.inf
    return logits
