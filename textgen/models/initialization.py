"""Networks with random weights, drawn from a generator of their own."""

from __future__ import annotations

from math import sqrt
from typing import Any

import torch
from torch import nn

from textgen.models.empty_weights import unfilled
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.gpt2 import Gpt2, Gpt2Config

STD = 0.02  # of BERT and GPT-2 alike
PAD_TO = 64  # rows of the embedding are a multiple of it


def padded_vocabulary(tokens: int) -> int:
    """The rows of an embedding for so many tokens."""
    return -(-tokens // PAD_TO) * PAD_TO


def bert_config(*, vocab_size: int, layers: int, width: int, heads: int, positions: int) -> dict[str, Any]:
    """The `config.json` of a BERT, as transformers reads it too."""
    return {
        "model_type": "bert",
        "vocab_size": vocab_size,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "max_position_embeddings": positions,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": 0,
        "tie_word_embeddings": True,
    }


def gpt2_config(
    *, vocab_size: int, layers: int, width: int, heads: int, positions: int, bos: int, eos: int, pad: int
) -> dict[str, Any]:
    """The `config.json` of a GPT-2, as transformers reads it too."""
    return {
        "model_type": "gpt2",
        "vocab_size": vocab_size,
        "n_embd": width,
        "n_layer": layers,
        "n_head": heads,
        "n_positions": positions,
        "layer_norm_epsilon": 1e-5,
        "activation_function": "gelu_new",
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "pad_token_id": pad,
        "tie_word_embeddings": True,
    }


def fresh_bert(config: dict[str, Any], seed: int) -> Bert:
    """A BERT whose matrices are normal with standard deviation 0.02."""
    with unfilled():
        network = Bert(BertConfig.from_dict(config))
    _draw(network, seed)
    return network


def fresh_gpt2(config: dict[str, Any], seed: int) -> Gpt2:
    """A GPT-2: the same, but for what is added to the residual, which is divided by sqrt(2 layers)."""
    with unfilled():
        network = Gpt2(Gpt2Config.from_dict(config))
    _draw(network, seed)
    for name, weight in network.named_parameters():
        if name.endswith("c_proj.weight"):
            weight.data.div_(sqrt(2 * config["n_layer"]))
    return network


def _draw(network: nn.Module, seed: int) -> None:
    """Fill a network that has no storage yet."""
    network.to_empty(device="cpu")
    noise = torch.Generator().manual_seed(seed)
    for module in network.modules():
        for name, weight in module.named_parameters(recurse=False):
            if isinstance(module, nn.LayerNorm):
                weight.data.fill_(1.0 if name == "weight" else 0.0)
            elif weight.dim() > 1:
                weight.data.normal_(0.0, STD, generator=noise)
            else:
                weight.data.zero_()
