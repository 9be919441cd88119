"""The views of a model that decoders and chains may see.

Raw logits everywhere: the log-softmax is taken where they are used. A tabular toy can offer these views,
so every strategy can be tested against answers found by enumeration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

Ids = Sequence[int]


class State(Protocol):
    """What a model remembers of the rows it is writing.

    Rows come in groups of equal size, one group a source; `repeat` and `select` keep that.
    """

    @property
    def rows(self) -> int:
        """How many rows there are."""

    def select(self, rows: Tensor) -> State:
        """The rows of these numbers `(rows,)`: a reordering within groups, or whole groups."""

    def repeat(self, n: int) -> State:
        """Every row n times, the copies side by side."""


class NextTokenModel(Protocol):
    """A model that writes after a source, one token a step."""

    vocab_size: int

    def start(self, sources: Sequence[Ids]) -> Any:
        """Read the sources, which share one padded length; a `State` with one row each."""

    def step(self, state: Any, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)` to every row; next-token logits `(rows, vocab)`."""

    def extend(self, state: Any, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""


class MaskedModel(Protocol):
    """A model that fills a masked place from both sides."""

    vocab_size: int

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row.

        Args:
            ids: `(rows, length)`, padded on the right.
            lengths: `(rows,)`, how many ids of each row count.
            positions: `(rows,)`, where to look.
        """
