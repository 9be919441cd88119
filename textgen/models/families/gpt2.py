"""GPT-2 in plain torch, with the parameter names of transformers' `GPT2LMHeadModel`.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from textgen.models.family import Sizes
from textgen.models.layers.activations import Activations
from textgen.models.layers.attention import (
    Attend,
    join_heads,
    linear,
    padded_length,
    padding_bias,
    split_heads,
)
from textgen.models.layers.cache import CacheState
from textgen.models.layers.dropout import Dropout
from textgen.models.layers.gelu import gelu
from textgen.models.layers.linear import Conv1D, MakeProduct, Product, TiedEmbedding, pack_parts
from textgen.models.padding import behind_start, padded
from textgen.models.views import Ids, ThroughHidden
from textgen.tokenizers.base import ABSENT


@dataclass(frozen=True)
class Gpt2Config(Sizes):
    """The sizes of a GPT-2, named as in its `config.json`."""

    vocab_size: int
    n_embd: int
    n_layer: int
    n_head: int
    n_positions: int
    layer_norm_epsilon: float


class Attention(nn.Module):
    def __init__(self, config: Gpt2Config) -> None:
        super().__init__()
        self.heads = config.n_head
        self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd, Activations.OUTLIERS)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)
        self.dropout = Dropout()

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        parts = (split_heads(part, self.heads) for part in self.c_attn(x).chunk(3, dim=-1))
        out: Tensor = self.dropout(self.c_proj(join_heads(attend(*parts))))
        return out


class Mlp(nn.Module):
    def __init__(
        self, config: Gpt2Config, inner: int | None = None, activation: Callable[[Tensor], Tensor] = gelu
    ) -> None:
        super().__init__()
        self.activation = activation
        inner = inner or 4 * config.n_embd
        self.c_fc = Conv1D(config.n_embd, inner)
        self.c_proj = Conv1D(inner, config.n_embd, Activations.AFTER_GELU)
        self.dropout = Dropout()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.c_proj(self.activation(self.c_fc(x))))
        return out


class Block(nn.Module):
    def __init__(self, config: Gpt2Config) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        x = x + self.attn(self.ln_1(x), attend)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Trunk(nn.Module):
    """Embeddings, blocks and the last norm.

    Args:
        config: Its sizes.
        block: Makes a block.
    """

    def __init__(self, config: Gpt2Config, block: Callable[[Any], nn.Module] = Block) -> None:
        super().__init__()
        self.wte = TiedEmbedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.h = nn.ModuleList(block(config) for _ in range(config.n_layer))
        self.ln_f: nn.Module = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.dropout = Dropout()

    def embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Embedded input `(rows, length, n_embd)`."""
        embedded: Tensor = self.wte(ids) + self.wpe(positions)
        return embedded


class Gpt2(ThroughHidden, nn.Module):
    """A GPT-2; offers the view `LanguageModel`.

    Attributes:
        left_out: The start symbol where sources are read without the one that they begin with; else none.
    """

    left_out = ABSENT
    head_product: Product | None = None

    def __init__(self, config: Gpt2Config, trunk: Callable[[Any], Trunk] = Trunk) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = config.vocab_size
        self.transformer = trunk(config)

    @property
    def positions(self) -> int:
        """Most ids of a text, its beginning included."""
        return self.config.n_positions

    @property
    def embedding(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.transformer.wte

    def forward(self, ids: Tensor) -> Tensor:
        """Logits after every token of whole rows `(rows, length)`, for training; `(rows, length, vocab)`."""
        x = self.transformer.dropout(self.transformer.embed(ids, torch.arange(ids.shape[1])))
        for block in self.transformer.h:
            x = block(x, _causal)
        return linear(self.transformer.ln_f(x), self.transformer.wte.weight)

    def start(self, sources: Sequence[Ids]) -> CacheState:
        """Read prefixes that share one padded length; an empty prefix is none."""
        return self._read(sources)[0]

    def read(self, sources: Sequence[Ids]) -> tuple[CacheState, list[Tensor]]:
        """Like `start`, with the hidden states `(length, n_embd)` of each prefix."""
        state, x = self._read(sources)
        hidden = self.transformer.ln_f(x)
        return state, [row[:length] for row, length in zip(hidden, state.lengths.tolist(), strict=True)]

    def hidden(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, n_embd)`."""
        hidden: Tensor = self.transformer.ln_f(self._through_blocks(state, tokens))
        return hidden

    def head(self, state: CacheState, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states; see `HiddenModel`."""
        return (
            linear(hidden, self.transformer.wte.weight)
            if self.head_product is None
            else self.head_product(hidden)
        )

    def pack(self, make: MakeProduct) -> None:
        """The embedding stays, for look-ups; see `Packable`."""
        self.head_product = make(self.transformer.wte.matrix, None, Activations.EVEN)
        self.transformer.wte.rows = None
        pack_parts(self, make)

    def _read(self, sources: Sequence[Ids]) -> tuple[CacheState, Tensor]:
        """The state of prefixes, and what leaves the blocks, `(sources, padded length, n_embd)`."""
        if not any(sources):
            lengths = torch.zeros(len(sources), dtype=torch.long)
            empty = CacheState(prefix=[], bias=torch.empty(len(sources), 1, 1, 0), lengths=lengths)
            return empty, torch.empty(len(sources), 0, self.config.n_embd)
        texts = behind_start(sources, self.left_out)
        # of what was given, so that the width is the same whatever begins with the start symbol
        width = padded_length(max(map(len, sources)))
        ids, lengths = padded(texts, width), torch.tensor([len(text) for text in texts])
        reading = CacheState(
            prefix=[], bias=torch.empty(0), lengths=torch.zeros(len(sources), dtype=torch.long)
        )
        x = self._through_blocks(reading, ids)
        prefix = [(k[:, :, :width].contiguous(), v[:, :, :width].contiguous()) for k, v in reading.written]
        state = CacheState(prefix, bias=padding_bias(lengths, width), lengths=lengths)
        return state, x

    def _through_blocks(self, state: CacheState, tokens: Tensor) -> Tensor:
        count = tokens.shape[1]
        # only padding lies behind the last position there is
        positions = state.positions(count).clamp(max=self.positions - 1)
        x = self.transformer.embed(tokens, positions)
        for number, block in enumerate(self.transformer.h):
            x = block(x, state.attend(number))
        state.advance(count)
        return x


def _causal(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of whole rows, every place to itself and to what stands before it."""
    return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
