"""A title model of random weights, small enough to be made for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from small_networks import prefer
from torch import nn

from textgen.models.families import BERT
from textgen.models.families.unilm import UniLM
from textgen.models.initialization import bert_config, initialized
from textgen.models.layers.copy_prior import CopyPrior
from textgen.resources import models_dir
from textgen.store.save import save_model

TOKENIZER = models_dir() / "tokenizer" / "zh8k.model"


def randomised(network: nn.Module, seed: int) -> Any:
    noise = torch.Generator().manual_seed(seed)
    for _, weight in sorted(network.named_parameters()):
        weight.data += 0.3 * torch.randn(weight.shape, generator=noise)
    return network.requires_grad_(False)


def make_title(folder: Path, *, positions: int = 128, ends: int | None = None, storage: str = "fp32") -> Path:
    """Make the folder; a symbol that titles `ends` with makes them end (see `prefer`)."""
    config = bert_config(vocab_size=8192, layers=1, width=16, heads=2, positions=positions)
    config |= {"type_vocab_size": 3, "target_types": {"l2r": 1, "r2l": 2}}
    bert = randomised(initialized(BERT, config, 1), 2)
    if ends is not None:
        prefer(bert, ends)
    save_model(folder, UniLM(bert, CopyPrior(8192), {7: 1, 8: 2}), config, TOKENIZER, storage=storage)
    return folder
