"""NEZHA in plain torch, with the parameter names of transformers 4's `NezhaForMaskedLM`.

Wei et al. 2019, https://arxiv.org/abs/1909.00204: a BERT without position embeddings, whose keys and values
are moved by vectors of the distance from the place that asks, sines and cosines that are not trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from textgen.models.families.bert import BertConfig, Encoder, WithHead
from textgen.models.layers.attention import Attend, linear, padding_bias
from textgen.models.layers.dropout import Dropout
from textgen.models.layers.linear import TiedEmbedding

SLOWEST = 10000.0  # by which the angles of the last columns turn slower than those of the first


@dataclass(frozen=True)
class NezhaConfig(BertConfig):
    """The sizes of a NEZHA, named as in its `config.json`."""

    max_relative_position: int


class Embeddings(nn.Module):
    def __init__(self, config: NezhaConfig) -> None:
        super().__init__()
        self.word_embeddings = TiedEmbedding(config.vocab_size, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout()

    def forward(self, ids: Tensor) -> Tensor:
        # a text is of token type 0 throughout
        embedded = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        normed: Tensor = self.dropout(self.LayerNorm(embedded))
        return normed


class Trunk(nn.Module):
    """Embeddings and layers."""

    def __init__(self, config: NezhaConfig) -> None:
        super().__init__()
        self.furthest = config.max_relative_position
        self.width = config.hidden_size // config.num_attention_heads
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)

    def encode(self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None) -> Tensor:
        """Hidden states of padded rows; see `MaskedLanguageModel`."""
        table, bias = distance_vectors(self.furthest, self.width), padding_bias(lengths, ids.shape[1])
        everywhere = at_distances(table, torch.arange(ids.shape[1])[None], bias)
        asking = None if positions is None else at_distances(table, positions[:, None], bias)
        found: Tensor = self.encoder(self.embeddings(ids), everywhere, positions, asking)
        return found


class Nezha(WithHead):
    """A NEZHA with its masked-language-model head; offers the view `MaskedLanguageModel`."""

    def __init__(self, config: NezhaConfig) -> None:
        super().__init__(config)
        self.nezha = Trunk(config)

    @property
    def embedding(self) -> TiedEmbedding:
        """The vectors of the tokens."""
        return self.nezha.embeddings.word_embeddings

    def encode(self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None) -> Tensor:
        """Hidden states of padded rows, every place seeing both sides; see `MaskedLanguageModel`."""
        return self.nezha.encode(ids, lengths, positions)


def distance_vectors(furthest: int, width: int) -> Tensor:
    """The vectors of the distances from `-furthest` to `furthest`, `(distances, width)`."""
    places = torch.arange(2 * furthest + 1.0)[:, None]
    angles = places * torch.exp(torch.arange(0.0, width, 2) * (-log(SLOWEST) / width))
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :width]


def at_distances(table: Tensor, places: Tensor, bias: Tensor) -> Attend:
    """Attention in which a place sees others with the vectors of their distance.

    Args:
        table: The vectors of distances; those further away are as far as the last.
        places: `(rows, queries)`, where the queries stand, or one row for all.
        bias: Additive mask, `(rows, 1, 1, keys)`.
    """
    furthest, by_column = len(table) // 2, table.T.contiguous()
    distances = (torch.arange(bias.shape[-1]) - places[..., None]).clamp(-furthest, furthest) + furthest

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        rows, heads, queries, width = query.shape
        of_pairs = distances[:, None].expand(rows, heads, -1, -1)
        moved = linear(query, table).gather(-1, of_pairs)
        weights = ((query @ key.transpose(-1, -2) + moved) * width**-0.5 + bias).softmax(-1)
        # how much of a place's attention lies at each distance
        shares = weights.new_zeros(rows, heads, queries, len(table)).scatter_add_(-1, of_pairs, weights)
        context: Tensor = weights @ value + linear(shares, by_column)
        return context

    return attend
