"""SimBERT and RoFormer-Sim: they read a sentence and write another of the same meaning.

苏剑林, 鱼与熊掌兼得：融合检索和生成的SimBERT模型, https://kexue.fm/archives/7427, and SimBERTv2来了,
https://kexue.fm/archives/8454. Each is a UniLM like our title model, but for how a target begins: no symbol
stands before it. `<cls> source <sep>` (token type 0) is read from both sides, what is written (token type 1)
begins behind that `<sep>`, whose place says the first token, and `<sep>` ends it, too. The words of the
smaller checkpoints are narrower than their layers. RoFormer-Sim has rotary positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from textgen.models.families import bert
from textgen.models.families.bert import Bert, BertConfig, Embeddings
from textgen.models.families.unilm import read_sources, written
from textgen.models.layers.attention import Attend
from textgen.models.layers.cache import CacheState
from textgen.models.layers.linear import Linear
from textgen.models.layers.rotary import turning
from textgen.models.views import Ids, ThroughHidden

BEGUN = "begun"  # the hidden states at the ends of the sources, until targets begin


@dataclass(frozen=True)
class SimBertConfig(BertConfig):
    """The sizes of a SimBERT, named as in its `config.json`."""

    embedding_size: int


class Trunk(bert.Trunk):
    """Embeddings and layers, with a projection between them if the embeddings are narrower."""

    def __init__(self, config: SimBertConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(replace(config, hidden_size=config.embedding_size))
        self.embeddings_project: nn.Module = nn.Identity()
        if config.embedding_size != config.hidden_size:
            self.embeddings_project = Linear(config.embedding_size, config.hidden_size)

    def embed(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        """Embedded input `(rows, length, hidden)`."""
        projected: Tensor = self.embeddings_project(super().embed(ids, positions, types))
        return projected


class UnplacedEmbeddings(Embeddings):
    """Embeddings that do not know where their words stand."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        del self.position_embeddings

    def forward(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        embedded = self.word_embeddings(ids) + self.token_type_embeddings(types)
        normed: Tensor = self.dropout(self.LayerNorm(embedded))
        return normed


class RotaryTrunk(Trunk):
    """Embeddings without positions, and layers."""

    def __init__(self, config: SimBertConfig) -> None:
        super().__init__(config)
        self.embeddings = UnplacedEmbeddings(replace(config, hidden_size=config.embedding_size))

    def embed(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        """Embedded input `(rows, length, hidden)`."""
        projected: Tensor = self.embeddings_project(self.embeddings(ids, positions, types))
        return projected


class NarrowBert(Bert):
    """A BERT whose words are as wide as `embedding_size`, in its head, too."""

    def __init__(self, config: SimBertConfig, trunk: type[Trunk] = Trunk) -> None:
        super().__init__(config)
        self.bert = trunk(config)
        transform = self.cls.predictions.transform
        transform.dense = Linear(config.hidden_size, config.embedding_size)
        transform.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)


class NarrowRoFormer(NarrowBert):
    """The same with rotary positions."""

    def __init__(self, config: SimBertConfig) -> None:
        super().__init__(config, RotaryTrunk)

    def placed(self, attend: Attend, positions: Tensor) -> Attend:
        """Attention that turns queries and keys by their places."""
        return turning(attend, positions)


class SimBert(ThroughHidden, nn.Module):
    """Offers the view `TitleModel`, from left to right: a title is a sentence of the source's meaning.

    A source comes with its `<cls>` and `<sep>`. What stands for the first token of a target is the source's
    own `<sep>`, which was read already.

    Args:
        config: The sizes.
        encoder: The class of the network.
    """

    two_way = False

    def __init__(self, config: SimBertConfig, encoder: type[NarrowBert] = NarrowBert) -> None:
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

    def __init__(self, config: SimBertConfig) -> None:
        super().__init__(config, NarrowRoFormer)
