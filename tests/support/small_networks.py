"""A GPT-2 and a BERT of random weights, small enough to be made for a test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.resources import models_dir

GPT2 = {
    "model_type": "gpt2",
    "vocab_size": 8192,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 64,
    "layer_norm_epsilon": 1e-5,
}
BERT = {
    "model_type": "bert",
    "vocab_size": 8192,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}


def network_of(config: dict[str, Any]) -> Any:
    """A network whose random weights all matter."""
    network = (
        Gpt2(Gpt2Config.from_dict(config))
        if config["model_type"] == "gpt2"
        else Bert(BertConfig.from_dict(config))
    )
    generator = torch.Generator().manual_seed(2)
    for name, parameter in sorted(network.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = name.endswith(("LayerNorm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight"))
        parameter.data.copy_(1 + 0.2 * noise if is_norm else 0.25 * noise)
    return network.requires_grad_(False)


COMMON = range(273, 323)  # pieces of the shipped tokenizer: the commonest characters and marks


def prefer(network: Any, ends: int, *, by: float = 7) -> Any:
    """Make the commonest pieces likely, and a symbol that ends a text: texts end, and are alike."""
    pieces = [ends, *COMMON]
    weights = dict(network.named_parameters())
    if "transformer.wte.weight" not in weights:
        weights[next(name for name in weights if name.endswith("cls.predictions.bias"))].data[pieces] += by
        return network
    away = torch.ones(len(weights["transformer.ln_f.bias"])) / 2
    weights["transformer.ln_f.bias"].data += away
    weights["transformer.wte.weight"].data[pieces] += by / 4 * away
    return network


def save(network: nn.Module, config: dict[str, Any], path: Path) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()},
        path / "model.safetensors",
    )
    shutil.copyfile(models_dir() / "tokenizer" / "zh8k.model", path / "tokenizer.model")
    return path
