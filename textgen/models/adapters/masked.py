"""Masked language models of transformers: networks that fill a place from both sides."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from textgen.models.adapters.divided import Divided
from textgen.models.families.bert import at_places


class MaskedAdapter(Divided):
    """Offers the view `MaskedLanguageModel` over a `…ForMaskedLM` of transformers.

    Its head, which costs the most where a vocabulary is large, is computed at the wanted places alone.

    Args:
        network: The network, in evaluation mode.
        positions: Most ids of a text, its frame included.
    """

    def __init__(self, network: Any, *, positions: int) -> None:
        super().__init__(network, network.base_model)
        self.positions = positions
        with torch.no_grad():  # what a network keeps for later must serve training, too
            ids = self._probe()
            output = network.base_model(input_ids=ids, attention_mask=torch.ones_like(ids))
            self._settle(self._whole_logits(ids), output[0])

    def encode(self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None) -> Tensor:
        """Hidden states of padded rows, every place seeing both sides; see `MaskedLanguageModel`."""
        width = ids.shape[1]
        # only padding lies behind the last position there is
        ids = ids[:, : self.positions]
        mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
        network = self.network.base_model if self.shows_hidden else self.network
        found = self._shown(network(input_ids=ids, attention_mask=mask), ids)
        if positions is not None:
            return at_places(found, positions)
        missing = width - found.shape[1]
        return torch.cat([found, found[:, -1:].expand(-1, missing, -1)], 1) if missing else found

    def logits(self, hidden: Tensor) -> Tensor:
        """Head: hidden states `(…, width)` to raw logits `(…, vocab)`."""
        flat = hidden.reshape(1, -1, hidden.shape[-1])
        return self._logits(flat).view(*hidden.shape[:-1], -1)

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row; see `MaskedModel`."""
        return self.logits(self.encode(ids, lengths, positions)[:, 0])

    def _whole_logits(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return logits
