"""SimBERT and RoFormer-Sim: they read a sentence and write another of the same meaning.

苏剑林, 鱼与熊掌兼得：融合检索和生成的SimBERT模型, https://kexue.fm/archives/7427, and SimBERTv2来了,
https://kexue.fm/archives/8454. Each is a UniLM like our title model, but for how a target begins: no symbol
stands before it. `<cls> source <sep>` (token type 0) is read from both sides, what is written (token type 1)
begins behind that `<sep>`, whose place says the first token, and `<sep>` ends it, too. The words of the
smaller checkpoints are narrower than their layers. RoFormer-Sim has rotary positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from textgen.models.families.roformer import NarrowBert, NarrowConfig, NarrowRoFormer
from textgen.models.families.unilm import read_sources, written
from textgen.models.layers.cache import CacheState
from textgen.models.views import Ids, ThroughHidden

BEGUN = "begun"  # the hidden states at the ends of the sources, until targets begin


class SimBert(ThroughHidden, nn.Module):
    """Offers the view `TitleModel`, from left to right: a title is a sentence of the source's meaning.

    A source comes with its `<cls>` and `<sep>`. What stands for the first token of a target is the source's
    own `<sep>`, which was read already.

    Args:
        config: The sizes.
        encoder: The class of the network.
    """

    two_way = False

    def __init__(self, config: NarrowConfig, encoder: type[NarrowBert] = NarrowBert) -> None:
        super().__init__()
        self.network = encoder(config)
        self.vocab_size = config.vocab_size

    @property
    def embedding(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.network.embedding

    def source_room(self, title: int) -> int:
        """Most ids of a source beside a title of so many: they share the positions."""
        return self.network.positions - title

    def start(self, sources: Sequence[Ids]) -> CacheState:
        """Read sources that share one padded length."""
        state, hidden = read_sources(self.network, sources)
        state.extra[BEGUN] = hidden[torch.arange(len(sources)), state.lengths - 1]
        return state

    def read(self, sources: Sequence[Ids]) -> tuple[CacheState, list[Tensor]]:
        """Like `start`, with no hidden states: a source is not part of the text that is written."""
        return self.start(sources), [torch.empty(0, self.network.config.hidden_size) for _ in sources]

    def hidden(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, hidden_size)`."""
        found = []
        if BEGUN in state.extra:
            found.append(state.by_row(BEGUN)[:, None])
            del state.extra[BEGUN]
            tokens = tokens[:, 1:]
        if tokens.shape[1]:
            found.append(written(self.network, state, tokens, torch.ones_like(tokens)))
        return torch.cat(found, 1)

    def head(self, state: CacheState, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states; see `HiddenModel`."""
        return self.network.logits(hidden)


class RoFormerSim(SimBert):
    """The same by a RoFormer."""

    def __init__(self, config: NarrowConfig) -> None:
        super().__init__(config, NarrowRoFormer)
