"""A model whose sources are read once, however many searches start from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from textgen.models.contracts import Ids, NextTokenModel


class Read:
    """Offers what its model offers, over sources it has already read.

    Args:
        model: Any model that writes after a source.
        sources: All that will be asked for; they share one padded length.
    """

    def __init__(self, model: NextTokenModel, sources: Sequence[Ids]) -> None:
        self.model = model
        self._number = {tuple(source): number for number, source in enumerate(sources)}
        self._state = model.start(sources)

    def start(self, sources: Sequence[Ids]) -> Any:
        """A fresh state behind some of the sources. Raises KeyError for one that was not read."""
        rows = torch.tensor([self._number[tuple(source)] for source in sources])
        return self._state.repeat(1).select(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)
