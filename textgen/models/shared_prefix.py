"""Sources that are read once, however many searches start from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from textgen.models.views import HiddenModel, Ids


class SharedPrefix:
    """Offers the view `HiddenModel`, over sources that the model has already read.

    Args:
        model: The model.
        sources: All that will be asked for; they share one padded length.
    """

    def __init__(self, model: HiddenModel, sources: Sequence[Ids]) -> None:
        self.vocab_size = model.vocab_size
        self.step, self.extend, self.hidden, self.head = model.step, model.extend, model.hidden, model.head
        self._number = {tuple(source): number for number, source in enumerate(sources)}
        self._state, self._hidden = model.read(sources)

    def start(self, sources: Sequence[Ids]) -> Any:
        """A fresh state behind some of the sources. Raises KeyError for one that was not read."""
        return self._state.repeat(1).select(torch.tensor(self._rows(sources)))

    def read(self, sources: Sequence[Ids]) -> tuple[Any, list[Tensor]]:
        """Like `start`, with the hidden states of the sources."""
        return self.start(sources), [self._hidden[row] for row in self._rows(sources)]

    def _rows(self, sources: Sequence[Ids]) -> list[int]:
        return [self._number[tuple(source)] for source in sources]
