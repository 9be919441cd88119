"""Classifier-free guidance: models that write in a style, and away from no style in particular.

Ho & Salimans 2022, https://arxiv.org/abs/2207.12598, equation 6: (1 + w) log p(x|c) - w log p(x). Raw logits
are combined here: they differ from log-probabilities by a constant a row, so their softmax is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from textgen.errors import UsageError
from textgen.models.layers.conditional_norm import condition_of, in_style
from textgen.models.views import Ids, NarrowingState


def guided_logits(styled: Tensor, null: Tensor, weight: float) -> Tensor:
    """Logits in a style, moved away from those of the null style."""
    return (1 + weight) * styled - weight * null


@dataclass(frozen=True)
class GuidedState:
    """The state of a guided model: the same rows, read in a style and in the null style."""

    styled: NarrowingState
    null: NarrowingState

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.styled.rows

    def select(self, rows: Tensor) -> GuidedState:
        """The rows of these numbers; see `State`."""
        return GuidedState(self.styled.select(rows), self.null.select(rows))

    def narrowed(self, rows: Tensor, size: int) -> GuidedState:
        """So many rows of each group that stays; see `NarrowingState`."""
        return GuidedState(self.styled.narrowed(rows, size), self.null.narrowed(rows, size))

    def repeat(self, n: int) -> GuidedState:
        """Every row n times."""
        return GuidedState(self.styled.repeat(n), self.null.repeat(n))


class GuidedModel:
    """A model in one style, away from another, at two forwards a step.

    It offers of `NextTokenModel` and `MaskedModel` what the model does. It is no `HiddenModel`: two sets of
    hidden states have no common one whose logits these would be.

    Args:
        styled: The model in the style.
        null: The model in the null style.
        weight: How far away; 0 is the style alone.
    """

    def __init__(self, styled: Any, null: Any, weight: float) -> None:
        self.vocab_size = styled.vocab_size
        self._styled, self._null, self._weight = styled, null, weight

    def start(self, sources: Sequence[Ids]) -> GuidedState:
        """Read prefixes; see `NextTokenModel`."""
        return GuidedState(self._styled.start(sources), self._null.start(sources))

    def step(self, state: GuidedState, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)`; next-token logits `(rows, vocab)`."""
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: GuidedState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""
        styled, null = self._styled.extend(state.styled, tokens), self._null.extend(state.null, tokens)
        return guided_logits(styled, null, self._weight)

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row; see `MaskedModel`."""
        styled = self._styled.masked_logits(ids, lengths, positions)
        return guided_logits(styled, self._null.masked_logits(ids, lengths, positions), self._weight)


def with_style(network: Any, style: str | None, guidance: float = 0.0, *, name: str) -> Any:
    """A model that writes, or fills places, in a style.

    Args:
        network: The network; as it is, if no style is asked for.
        style: The style's name.
        guidance: How far away from the null style; above 0 there are no hidden states.
        name: What the user calls the model.

    Raises:
        UsageError: The model does not know the style.
    """
    if style is None:
        return network
    condition = condition_of(network)
    if condition is None:
        hint = "the recipe conditional trains one that does"
        raise UsageError("{name} knows no styles", name=name, hint=hint)
    styled = in_style(network, condition.number(style))
    return GuidedModel(styled, in_style(network, condition.null), guidance) if guidance else styled
