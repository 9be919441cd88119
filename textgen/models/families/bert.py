"""BERT in plain torch, with the parameter names of transformers' `BertForMaskedLM`.

Devlin et al. 2019, https://arxiv.org/abs/1810.04805.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from textgen.models.family import Sizes
from textgen.models.layers.activations import Activations
from textgen.models.layers.attention import Attend, both_sides, join_heads, linear, padding_bias, split_heads
from textgen.models.layers.dropout import Dropout
from textgen.models.layers.linear import Linear, MakeProduct, Product, TiedEmbedding, pack_parts, release
from textgen.models.layers.rows import stacked

Places = Tensor  # (rows,), a place of each


@dataclass(frozen=True)
class BertConfig(Sizes):
    """The sizes of a BERT, named as in its `config.json`."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float


def at_places(x: Tensor, places: Places) -> Tensor:
    """What stands at a place of each row of `x` `(rows, length, …)`, `(rows, 1, …)`."""
    return x[torch.arange(len(x)), places][:, None]


class Embeddings(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = TiedEmbedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout()

    def forward(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        embedded = self.word_embeddings(ids) + self.token_type_embeddings(types)
        normed: Tensor = self.dropout(self.LayerNorm(embedded + self.position_embeddings(positions)))
        return normed


class SelfAttention(nn.Module):
    together: Product | None = None

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.query = Linear(config.hidden_size, config.hidden_size)
        self.key = Linear(config.hidden_size, config.hidden_size)
        self.value = Linear(config.hidden_size, config.hidden_size)
        for part in (self.query, self.key, self.value):
            part.activations = Activations.OUTLIERS

    def forward(self, x: Tensor, attend: Attend, asking: Places | None = None) -> Tensor:
        """Contexts of the places `asking`, one a row, by default of all of `x`."""
        if self.together is not None:
            query, key, value = self.together(x).chunk(3, -1)
            query = query if asking is None else at_places(query, asking)
        else:
            query = self.query(x if asking is None else at_places(x, asking))
            key, value = self.key(x), self.value(x)
        return join_heads(attend(*(split_heads(part, self.heads) for part in (query, key, value))))

    def pack(self, make: MakeProduct) -> None:
        """Queries, keys and values are one product; see `Packable`."""
        parts = self.query, self.key, self.value
        weight = stacked([part.matrix for part in parts])
        bias = torch.cat(tuple(part.bias for part in parts))
        self.together = make(weight, bias, self.query.activations)
        for part in parts:
            release(part)


class AddNorm(nn.Module):
    """A projection, added to the residual and normalised."""

    def __init__(self, width: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(width, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout()

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        normed: Tensor = self.LayerNorm(self.dropout(self.dense(x)) + residual)
        return normed


class Attention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = AddNorm(config.hidden_size, config)

    def forward(self, x: Tensor, attend: Attend, asking: Places | None = None) -> Tensor:
        out: Tensor = self.output(self.self(x, attend, asking), x if asking is None else at_places(x, asking))
        return out


class Intermediate(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.intermediate_size)

    def forward(self, x: Tensor) -> Tensor:
        return functional.gelu(self.dense(x))


class Layer(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = AddNorm(config.intermediate_size, config)
        self.output.dense.activations = Activations.AFTER_GELU

    def forward(self, x: Tensor, attend: Attend, asking: Places | None = None) -> Tensor:
        """States of all places of `x`, or of the one place a row that is asked for, `(rows, 1, hidden)`."""
        x = self.attention(x, attend, asking)
        out: Tensor = self.output(self.intermediate(x), x)
        return out


class Encoder(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))

    def forward(
        self, x: Tensor, attend: Attend, asking: Places | None = None, attend_asking: Attend | None = None
    ) -> Tensor:
        """States of all places of `x`, or of the one place a row that is asked for, `(rows, 1, hidden)`.

        Args:
            x: Embedded input.
            attend: Attention of all places.
            asking: `(rows,)`, the one place a row that is wanted; None is all of them.
            attend_asking: Attention of those, if it is another.
        """
        *lower, last = self.layer
        for layer in lower:
            x = layer(x, attend)
        # behind the last layer's keys and values nothing of the other places is needed
        found: Tensor = last(x, attend_asking or attend, asking)
        return found


class Trunk(nn.Module):
    """Embeddings and layers."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)

    def embed(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        """Embedded input `(rows, length, hidden)`."""
        # only padding lies behind the last position there is
        positions = positions.clamp(max=self.embeddings.position_embeddings.num_embeddings - 1)
        embedded: Tensor = self.embeddings(ids, positions, types)
        return embedded

    def encode(
        self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None, types: Tensor | None = None
    ) -> Tensor:
        """Hidden states of padded rows, every place seeing both sides; see `Bert.encode`.

        Args:
            ids: `(rows, length)`, padded on the right.
            lengths: `(rows,)`, how many ids of each row count.
            positions: `(rows,)`, the one place a row that is wanted; None is all of them.
            types: `(rows, length)`, token types; None is type 0 throughout.
        """
        types = torch.zeros_like(ids) if types is None else types
        x = self.embed(ids, torch.arange(ids.shape[1]), types)
        found: Tensor = self.encoder(x, both_sides(padding_bias(lengths, ids.shape[1])), positions)
        return found


class Transform(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.LayerNorm(functional.gelu(self.dense(x)))
        return normed


class Predictions(nn.Module):
    """The masked-language-model head; its matrix is the word embedding."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.transform = Transform(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))


class Head(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.predictions = Predictions(config)


class WithHead(nn.Module, ABC):
    """The base of encoders with a masked-language-model head; what derives from it offers the view.

    Attributes:
        cls: The head.
    """

    head_product: Product | None = None

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = config.vocab_size
        self.cls = Head(config)

    @property
    def positions(self) -> int:
        """Most ids of a text, `<cls>` and `<sep>` included."""
        return self.config.max_position_embeddings

    @property
    @abstractmethod
    def embedding(self) -> TiedEmbedding:
        """The vectors of the tokens."""

    @abstractmethod
    def encode(self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None) -> Tensor:
        """Hidden states of padded rows, every place seeing both sides; see `MaskedLanguageModel`."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Head: hidden states `(…, hidden)` to raw logits `(…, vocab)`."""
        head = self.cls.predictions
        transformed: Tensor = head.transform(hidden)
        if self.head_product is not None:
            return self.head_product(transformed)
        return linear(transformed, self.embedding.weight, head.bias)

    def pack(self, make: MakeProduct) -> None:
        """The embedding stays, for look-ups; see `Packable`."""
        self.head_product = make(self.embedding.matrix, self.cls.predictions.bias, Activations.EVEN)
        self.embedding.rows = None
        pack_parts(self, make)

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row; see `MaskedModel`."""
        return self.logits(self.encode(ids, lengths, positions)[:, 0])


class Bert(WithHead):
    """A BERT with its masked-language-model head; offers the view `MaskedLanguageModel`."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = Trunk(config)

    @property
    def embedding(self) -> TiedEmbedding:
        """The vectors of the tokens."""
        return self.bert.embeddings.word_embeddings

    def embed(self, ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        """Embedded input `(rows, length, hidden)`."""
        return self.bert.embed(ids, positions, types)

    @property
    def layers(self) -> nn.ModuleList:
        """The layers, each called with `(x, attend)`."""
        return self.bert.encoder.layer

    def placed(self, attend: Attend, positions: Tensor) -> Attend:
        """Attention as the layers have it at positions `(rows or 1, length)`: these know places already."""
        return attend

    def encode(self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None) -> Tensor:
        """Hidden states of padded rows, every place seeing both sides; see `MaskedLanguageModel`.

        One place is not computed otherwise than all, but its last bits may differ: attention sums in
        another order for one query.
        """
        return self.bert.encode(ids, lengths, positions)
