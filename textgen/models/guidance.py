"""Classifier-free guidance: models that write in a style, and away from no style in particular.

Ho & Salimans 2022, https://arxiv.org/abs/2207.12598, equation 6: (1 + w) log p(x|c) - w log p(x). Raw logits
are combined here: they differ from log-probabilities by a constant a row, so their softmax is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from textgen.errors import UsageError
from textgen.models.layers.conditional_norm import Condition, condition_of, in_style
from textgen.models.views import Ids, LanguageModel, MaskedModel, NextTokenModel, State


def guided(styled: Tensor, null: Tensor, weight: float) -> Tensor:
    """Logits in a style, moved away from those of the null style."""
    return (1 + weight) * styled - weight * null


@dataclass(frozen=True)
class Pair:
    """The same rows as read in a style and in the null style."""

    styled: State
    null: State

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.styled.rows

    def select(self, rows: Tensor) -> Pair:
        """The rows of these numbers; see `State`."""
        return Pair(self.styled.select(rows), self.null.select(rows))

    def repeat(self, n: int) -> Pair:
        """Every row n times."""
        return Pair(self.styled.repeat(n), self.null.repeat(n))


class Guided:
    """A language model in one style, away from another, at two forwards a step; a `NextTokenModel`.

    It is no `HiddenModel`: two sets of hidden states have no common one whose logits these would be.

    Args:
        styled: The model in the style.
        null: The model in the null style.
        weight: How far away; 0 is the style alone.
    """

    def __init__(self, styled: NextTokenModel, null: NextTokenModel, weight: float) -> None:
        self.vocab_size = styled.vocab_size
        self._styled, self._null, self._weight = styled, null, weight

    def start(self, sources: Sequence[Ids]) -> Pair:
        """Read prefixes; see `NextTokenModel`."""
        return Pair(self._styled.start(sources), self._null.start(sources))

    def step(self, state: Pair, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)`; next-token logits `(rows, vocab)`."""
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: Pair, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""
        styled, null = self._styled.extend(state.styled, tokens), self._null.extend(state.null, tokens)
        return guided(styled, null, self._weight)


class GuidedMasked:
    """A masked model in one style, away from another; offers the view `MaskedModel`; see `Guided`."""

    def __init__(self, styled: MaskedModel, null: MaskedModel, weight: float) -> None:
        self.vocab_size = styled.vocab_size
        self._styled, self._null, self._weight = styled, null, weight

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row; see `MaskedModel`."""
        styled = self._styled.masked_logits(ids, lengths, positions)
        return guided(styled, self._null.masked_logits(ids, lengths, positions), self._weight)


def writer_in(
    network: LanguageModel, style: str | None, guidance: float = 0.0, *, name: str
) -> NextTokenModel:
    """A language model that writes in a style.

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
    condition = _condition(network, name)
    styled = in_style(network, condition.number(style))
    return Guided(styled, in_style(network, condition.null), guidance) if guidance else styled


def masked_in(network: MaskedModel, style: str | None, guidance: float = 0.0, *, name: str) -> MaskedModel:
    """A masked model that fills places in a style; see `writer_in`."""
    if style is None:
        return network
    condition = _condition(network, name)
    styled = in_style(network, condition.number(style))
    return GuidedMasked(styled, in_style(network, condition.null), guidance) if guidance else styled


def _condition(network: object, name: str) -> Condition:
    condition = condition_of(network)
    if condition is None:
        raise UsageError(f"{name} knows no styles", hint="train one with `textgen train conditional`")
    return condition
