"""GPT2-ML, the blocks of Grover over a Chinese vocabulary, which no network of transformers computes.

Zellers et al. 2019, "Defending Against Neural Fake News", https://arxiv.org/abs/1905.12616; the checkpoints
are those of https://github.com/imcaspar/gpt2-ml. Unlike a GPT-2 it normalises its embeddings, and what
leaves a block, not what attention reads: h = x + attention(x), x = ln_2(h + mlp(ln_1(h))). There is no norm
behind the last block, and GELU is exact. Tensors and sizes are named as those of a `GPT2LMHeadModel`, with
`emb_norm` beside, as other conversions of these checkpoints have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from textgen.models.families import gpt2
from textgen.models.families.gpt2 import Attention, Gpt2, Gpt2Config, Mlp
from textgen.models.layers.attention import Attend
from textgen.tokenizers.base import ABSENT, Specials


@dataclass(frozen=True)
class Gpt2MlConfig(Gpt2Config):
    """The sizes of a GPT2-ML, named as in its `config.json`."""

    n_inner: int


class Block(nn.Module):
    def __init__(self, config: Gpt2MlConfig) -> None:
        super().__init__()
        self.attn = Attention(config)
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = Mlp(config, config.n_inner, functional.gelu)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        x = x + self.attn(x, attend)
        out: Tensor = self.ln_2(x + self.mlp(self.ln_1(x)))
        return out


class Trunk(gpt2.Trunk):
    """Embeddings with their norm, and blocks."""

    def __init__(self, config: Gpt2MlConfig) -> None:
        super().__init__(config, Block)
        self.emb_norm = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.ln_f = nn.Identity()

    def embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Embedded input `(rows, length, n_embd)`."""
        normed: Tensor = self.emb_norm(super().embed(ids, positions))
        return normed


class Gpt2Ml(Gpt2):
    """A GPT2-ML; offers the view `LanguageModel`.

    Args:
        config: The sizes.
        bos: What texts from nothing are begun with. No text of its training began with a symbol: before a
            prompt it is left out.
    """

    def __init__(self, config: Gpt2MlConfig, bos: int = ABSENT) -> None:
        super().__init__(config, Trunk)
        self.left_out = bos


def build(config: Mapping[str, Any], specials: Specials, file: Path) -> Gpt2Ml:
    """The network of a parsed config.json."""
    return Gpt2Ml(Gpt2MlConfig.from_dict(config), specials.bos)
