"""Models that write in a style, and away from no style in particular: classifier-free guidance.

Ho & Salimans 2022, https://arxiv.org/abs/2207.12598, equation 6: (1 + w) log p(x|c) - w log p(x). Raw logits
are combined here: they differ from log-probabilities by a constant a row, so their softmax is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch import Tensor

from textgen.errors import UsageError
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.layers.cache import CacheState
from textgen.models.layers.conditional_norm import Condition, condition_of
from textgen.models.views import HiddenModel, Ids, MaskedModel, NextTokenModel


def guided(styled: Tensor, null: Tensor, weight: float) -> Tensor:
    """Logits in a style, moved away from those of the null style."""
    return (1 + weight) * styled - weight * null


class Styled:
    """A GPT-2 in one style; offers the view `HiddenModel`.

    Others may use the network in other styles in between: the style is put in force for every forward.

    Args:
        network: The network.
        condition: Its styles.
        style: The number of the style.
    """

    def __init__(self, network: Gpt2, condition: Condition, style: int) -> None:
        self.network = network
        self.vocab_size = network.vocab_size
        self._condition = condition
        self._style = style

    def start(self, sources: Sequence[Ids]) -> CacheState:
        """Read prefixes; see `Gpt2.start`."""
        with self._in_force():
            return self.network.start(sources)

    def read(self, sources: Sequence[Ids]) -> tuple[CacheState, list[Tensor]]:
        """Like `start`, with the hidden states `(length, n_embd)` of each prefix."""
        with self._in_force():
            return self.network.read(sources)

    def step(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)`; next-token logits `(rows, vocab)`."""
        with self._in_force():
            return self.network.step(state, tokens)

    def extend(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""
        with self._in_force():
            return self.network.extend(state, tokens)

    def hidden(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, n_embd)`."""
        with self._in_force():
            return self.network.hidden(state, tokens)

    def head(self, state: CacheState, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states; see `HiddenModel`."""
        with self._in_force():
            return self.network.head(state, hidden)

    def _in_force(self) -> AbstractContextManager[None]:
        return self._condition.given(self._style)


@dataclass(frozen=True)
class Pair:
    """The same rows as read in a style and in the null style."""

    styled: CacheState
    null: CacheState

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
    """A GPT-2 in one style, away from none; offers the view `NextTokenModel`, at two forwards a step.

    It is no `HiddenModel`: two sets of hidden states have no common one whose logits these would be.

    Args:
        network: The network.
        condition: Its styles.
        style: The number of the style.
        weight: How far away; 0 is the style alone, for which `Styled` does half the work.
    """

    def __init__(self, network: Gpt2, condition: Condition, style: int, weight: float) -> None:
        self.vocab_size = network.vocab_size
        self._styled = Styled(network, condition, style)
        self._null = Styled(network, condition, condition.null)
        self._weight = weight

    def start(self, sources: Sequence[Ids]) -> Pair:
        """Read prefixes; see `Gpt2.start`."""
        return Pair(self._styled.start(sources), self._null.start(sources))

    def step(self, state: Pair, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)`; next-token logits `(rows, vocab)`."""
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: Pair, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""
        styled, null = self._styled.extend(state.styled, tokens), self._null.extend(state.null, tokens)
        return guided(styled, null, self._weight)


class GuidedMasked:
    """A BERT in one style, away from none; offers the view `MaskedModel`.

    Args:
        network: The network.
        condition: Its styles.
        style: The number of the style.
        weight: How far away; 0 is the style alone, at one forward.
    """

    def __init__(self, network: Bert, condition: Condition, style: int, weight: float = 0.0) -> None:
        self.vocab_size = network.vocab_size
        self._network, self._condition = network, condition
        self._style, self._weight = style, weight

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row; see `MaskedModel`."""
        styled = self._logits(self._style, ids, lengths, positions)
        if not self._weight:
            return styled
        return guided(styled, self._logits(self._condition.null, ids, lengths, positions), self._weight)

    def _logits(self, style: int, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        with self._condition.given(style):
            return self._network.masked_logits(ids, lengths, positions)


def writer_in(
    network: Gpt2, style: str | None, guidance: float = 0.0, *, name: str
) -> HiddenModel | NextTokenModel:
    """A GPT-2 that writes in a style.

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
    number = condition.number(style)
    return Guided(network, condition, number, guidance) if guidance else Styled(network, condition, number)


def masked_in(network: Bert, style: str | None, guidance: float = 0.0, *, name: str) -> MaskedModel:
    """A BERT that fills masked places in a style; see `writer_in`."""
    if style is None:
        return network
    condition = _condition(network, name)
    return GuidedMasked(network, condition, condition.number(style), guidance)


def _condition(network: Gpt2 | Bert, name: str) -> Condition:
    condition = condition_of(network)
    if condition is None:
        raise UsageError(f"{name} knows no styles", hint="train one with `textgen train conditional`")
    return condition
