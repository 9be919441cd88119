"""A masked model whose conditionals are tables, so that its chain's laws can be computed exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b

import torch
from torch import Tensor

Body = tuple[int, ...]  # a state without its frame
Conditional = Callable[[Body, int], Tensor]  # (body masked at a place, that place) -> logits (vocab,)


@dataclass
class TabularMasked:
    """A `MaskedModel` over `<cls>`, a body, `<sep>`.

    Attributes:
        vocab_size: Ids, the mask and the frame included.
        mask: The mask's id.
        conditional: The body, masked at a place, and the place, to raw logits.
        calls: The places looked at, a list a call.
    """

    vocab_size: int
    mask: int
    conditional: Conditional
    calls: list[list[int]] = field(default_factory=list)

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        assert ids.shape[0] == len(lengths) == len(positions)
        self.calls.append(positions.tolist())
        rows = []
        for row, length, position in zip(ids.tolist(), lengths.tolist(), positions.tolist(), strict=True):
            assert row[position] == self.mask
            assert 0 < position < length - 1  # within the frame
            assert not any(row[length:])
            rows.append(self.conditional(tuple(row[1 : length - 1]), position - 1))
        return torch.stack(rows)


def conditionals_of(joint: Tensor, vocab_size: int, mask: int) -> Conditional:
    """p(x_i | the others) of a joint law `(V, ..., V)`; what is masked elsewhere is summed over."""

    @cache
    def conditional(body: Body, place: int) -> Tensor:
        probs = joint
        for axis in reversed(range(joint.dim())):
            if axis != place:
                probs = probs.sum(axis) if body[axis] == mask else probs.select(axis, body[axis])
        return padded(probs / probs.sum(), vocab_size)

    return conditional


def padded(probs: Tensor, vocab_size: int) -> Tensor:
    """Logits of a law over the first ids."""
    return torch.cat([probs, probs.new_zeros(vocab_size - len(probs))]).log()


def random_conditional(vocab_size: int, seed: int) -> Conditional:
    """Normal logits, another draw for every context."""

    @cache
    def conditional(body: Body, place: int) -> Tensor:
        digest = blake2b(repr((seed, body, place)).encode(), digest_size=7).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
        return 1.5 * torch.randn(vocab_size, generator=generator)

    return conditional
