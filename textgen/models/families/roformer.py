"""BERTs whose words may be narrower than their layers, and RoFormer, which has rotary positions.

Su et al. 2021, RoFormer, https://arxiv.org/abs/2104.09864; the words of the smaller SimBERTs are narrow, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from textgen.models.families import bert
from textgen.models.families.bert import Bert, BertConfig, Embeddings
from textgen.models.layers.attention import Attend
from textgen.models.layers.linear import Linear
from textgen.models.layers.rotary import turning


@dataclass(frozen=True)
class NarrowConfig(BertConfig):
    """The sizes of such a BERT, named as in its `config.json`."""

    embedding_size: int


class Trunk(bert.Trunk):
    """Embeddings and layers, with a projection between them if the embeddings are narrower."""

    def __init__(self, config: NarrowConfig) -> None:
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

    def __init__(self, config: NarrowConfig) -> None:
        super().__init__(config)
        self.embeddings = UnplacedEmbeddings(replace(config, hidden_size=config.embedding_size))

    def embed(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        """Embedded input `(rows, length, hidden)`."""
        projected: Tensor = self.embeddings_project(self.embeddings(ids, positions, types))
        return projected


class NarrowBert(Bert):
    """A BERT whose words are as wide as `embedding_size`, in its head, too."""

    def __init__(self, config: NarrowConfig, trunk: type[Trunk] = Trunk) -> None:
        super().__init__(config)
        self.bert = trunk(config)
        transform = self.cls.predictions.transform
        transform.dense = Linear(config.hidden_size, config.embedding_size)
        transform.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)


class NarrowRoFormer(NarrowBert):
    """The same with rotary positions."""

    def __init__(self, config: NarrowConfig) -> None:
        super().__init__(config, RotaryTrunk)

    def placed(self, attend: Attend, positions: Tensor) -> Attend:
        """Attention that turns queries and keys by their places."""
        return turning(attend, positions)
