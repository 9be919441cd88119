"""Conditional layer normalisation: one network that writes in several styles.

苏剑林, 基于Conditional Layer Normalization的条件文本生成, https://kexue.fm/archives/7124: the scale and the
offset of every normalisation get a part that is linear in a vector of the style,

    (weight + gain c) * normed(x) + (bias + shift c)

with gain and shift zero at first, so that training starts from the pretrained network as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from difflib import get_close_matches
from pathlib import Path
from reprlib import repr as short
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from textgen.errors import ModelError, UsageError
from textgen.messages import Message
from textgen.models.family import LARGEST_SIZE
from textgen.models.layers.attention import linear

N = TypeVar("N")


class Condition(nn.Module):
    """The styles that a network knows, and their vectors.

    Behind the styles stands one more, the null style: that of no style in particular, in which a network
    computes unless it is told otherwise.

    Args:
        styles: Their names, in the order of their numbers.
        size: Width of a style's vector.
        seed: Of the vectors it begins with.

    Attributes:
        styles: The names.
        null: Number of the null style.
        embedding: The vectors, `(styles + 1, size)`.
    """

    def __init__(self, styles: Sequence[str], size: int, seed: int = 0) -> None:
        super().__init__()
        self.styles = tuple(styles)
        self.null = len(self.styles)
        vectors = _vectors(self.null + 1, size, seed)
        # its own first vectors would come from the global generator
        self.embedding: nn.Embedding = nn.Embedding.from_pretrained(vectors, freeze=False)  # type: ignore[no-untyped-call]

    def number(self, style: str | None) -> int:
        """The number of a style; None is the null style. Raises UsageError: it is unknown."""
        if style is None:
            return self.null
        if style not in self.styles:
            near = get_close_matches(style, self.styles, n=1)
            known = Message("the model knows {styles}", styles=self.styles)
            hint = Message("did you mean {near}? {known}", near=near[0], known=known) if near else known
            raise UsageError("there is no style {style}", style=style, hint=hint)
        return self.styles.index(style)

    def vector(self, styles: Tensor | int) -> Tensor:
        """Vectors of styles, for all positions: `(rows, 1, size)`, or `(1, 1, size)` of one."""
        if isinstance(styles, int):
            return self.embedding.weight[styles][None, None]
        vectors: Tensor = self.embedding(styles)
        return vectors[:, None]


class ConditionalLayerNorm(nn.Module):
    """A layer normalisation whose scale and offset depend on a style.

    Args:
        norm: What it takes the place of; keeps its scale and offset.
        condition: The styles.

    Attributes:
        styles: The style that it computes in; see `in_style`.
        weight: Scale without the style's part, `(hidden,)`.
        bias: Offset without the style's part, `(hidden,)`.
        gain: The style's part of the scale, `(hidden, size)`.
        shift: The style's part of the offset, `(hidden, size)`.
    """

    def __init__(self, norm: nn.LayerNorm, condition: Condition) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        size = condition.embedding.embedding_dim
        self.gain = nn.Parameter(self.weight.new_zeros(len(self.weight), size))
        self.shift = nn.Parameter(self.weight.new_zeros(len(self.weight), size))
        self.styles: Tensor | int = condition.null
        # a method, not the module: that belongs to the network, and is saved once
        self._vector: Callable[[Tensor | int], Tensor] = condition.vector

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis of `x` `(rows, …, hidden)`."""
        shape = self.weight.shape
        # the plain norm as it always was: folded into its scale, zeros might still change its last bits
        plain = functional.layer_norm(x, shape, self.weight, self.bias, self.eps)
        normed = functional.layer_norm(x, shape, eps=self.eps)
        return plain + normed * self._part(self.gain, x) + self._part(self.shift, x)

    def _part(self, matrix: Tensor, x: Tensor) -> Tensor:
        """`matrix` times the style's vector, `(rows or 1, 1, …, hidden)` with the axes of `x`."""
        part = linear(self._vector(self.styles), matrix)
        return part.reshape(-1, *(1,) * (x.dim() - 2), part.shape[-1])


def add_condition(network: nn.Module, styles: Sequence[str], size: int, seed: int = 0) -> Condition:
    """Make every layer normalisation of a network conditional; what it computes stays the same at first.

    Args:
        network: Becomes `network.condition`'s owner; its parameters stay the same objects.
        styles: The styles' names.
        size: Width of a style's vector.
        seed: Of the vectors.

    Returns:
        The styles.
    """
    norms = [
        (module, name, norm)
        for module in network.modules()
        for name, norm in module.named_children()
        if isinstance(norm, nn.LayerNorm)
    ]
    weight = norms[0][2].weight
    with weight.device:
        condition = Condition(styles, size, seed).to(weight.dtype)
    for module, name, norm in norms:
        setattr(module, name, ConditionalLayerNorm(norm, condition))
    network.add_module("condition", condition)
    return condition


def condition_of(network: object) -> Condition | None:
    """The styles of a network; None for a network that knows none."""
    found = getattr(network, "condition", None)
    return found if isinstance(found, Condition) else None


def in_style(network: N, styles: Tensor | int) -> N:
    """The network as it computes in a style; it shares all parameters with the network, which stays as it is.

    So calls in different styles, from different threads too, do not see each other.

    Args:
        network: Knows styles.
        styles: One number for all rows, or numbers `(rows,)`, one for each entry of the first axis of
            what is normalised: a head that is called on places alone, `(places, hidden)`, needs one for
            each place.
    """
    condition = condition_of(network)
    if condition is None or (isinstance(styles, int) and not 0 <= styles <= condition.null):
        raise IndexError(f"there is no style number {styles}")
    found: N = _bound(network, styles)
    return found


def _bound(module: Any, styles: Tensor | int) -> Any:
    """A copy of a module and of its parts that normalise; the other parts and all parameters are shared."""
    if not any(isinstance(part, ConditionalLayerNorm) for part in module.modules()):
        return module
    bound = copy(module)
    bound._modules = {
        name: None if part is None else _bound(part, styles) for name, part in module._modules.items()
    }
    if isinstance(bound, ConditionalLayerNorm):
        bound.styles = styles
    return bound


def styles_of(config: dict[str, Any], file: Path) -> tuple[list[str], int] | None:
    """The styles that a `config.json` names and the width of their vectors; None if it names none.

    Raises:
        ModelError: They cannot be.
    """
    if "styles" not in config:
        return None
    styles, size = config["styles"], config.get("condition_size")
    listed = isinstance(styles, list) and all(isinstance(style, str) and style.strip() for style in styles)
    if not (listed and 0 < len(set(styles)) == len(styles)):
        hint = 'it is a list of different names, like ["诗歌", "新闻"]'
        raise ModelError("{file}: styles cannot be {value}", file=file, value=short(styles), hint=hint)
    if type(size) is not int or not 1 <= size <= LARGEST_SIZE:
        hint = "it is the width of the styles' vectors"
        raise ModelError("{file}: condition_size cannot be {value}", file=file, value=short(size), hint=hint)
    return styles, size


def _vectors(count: int, size: int, seed: int) -> Tensor:
    """`(count, size)`, each about 1 long whatever its size: then a step on gain moves the scale of its own
    style about as far as a step on the scale itself would, and that of the others hardly."""
    vectors = torch.empty(count, size)
    if not vectors.is_meta:  # there they are to be filled from a file
        generator = torch.Generator("cpu").manual_seed(seed)
        # drawn on one device for all, so that a seed means the same vectors everywhere
        vectors.copy_(torch.randn(count, size, generator=generator, device="cpu") * size**-0.5)
    return vectors
