"""Networks with random weights, drawn from a generator of their own."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
from torch import nn

from textgen.models.empty_weights import unfilled
from textgen.models.families.gpt2 import Gpt2
from textgen.models.families.rnn_title import RnnTitle
from textgen.models.family import Family
from textgen.models.layers.copy_prior import CopyPrior
from textgen.plugins import resolved

STD = 0.02  # of BERT and GPT-2
SMALL = 0.05  # embeddings of an RnnTitle begin uniform between -SMALL and SMALL
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


def initialized(family: Family, config: Mapping[str, Any], seed: int) -> Any:
    """A network with random weights, a function of the seed.

    Those of a BERT and a GPT-2 are normal with standard deviation 0.02, but for what a GPT-2 adds to the
    residual, which is divided by sqrt(2 layers). Those of an `RnnTitle` begin as in Keras: Glorot's uniform,
    orthogonal where an LSTM reads its own output; the forget gates begin open, and the prior gives every
    token of the source one vote.

    Args:
        family: Of the network, which its sizes alone make.
        config: Its `config.json`.
        seed: Of its weights.
    """
    with unfilled():  # the constructors draw from the global generator
        network = resolved(str(family.network))(resolved(str(family.sizes)).from_dict(config))
    network.to_empty(device="cpu")
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            (_fill_as_keras if isinstance(network, RnnTitle) else _fill)(module, noise)
        if isinstance(network, Gpt2):
            for name, weight in network.named_parameters():
                if name.endswith("c_proj.weight"):
                    weight.div_(sqrt(2 * network.config.n_layer))
    return network.to(torch.get_default_device())


def _fill(module: nn.Module, noise: torch.Generator) -> None:
    """Fill what a module itself holds, not its parts."""
    for name, weight in module.named_parameters(recurse=False):
        if isinstance(module, nn.LayerNorm):
            weight.fill_(1.0 if name == "weight" else 0.0)
        elif weight.dim() > 1:
            weight.normal_(0.0, STD, generator=noise)
        else:
            weight.zero_()


def _fill_as_keras(module: nn.Module, noise: torch.Generator) -> None:
    """Fill the same of an `RnnTitle`."""
    if isinstance(module, nn.Embedding):
        nn.init.uniform_(module.weight, -SMALL, SMALL, generator=noise)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight, generator=noise)
        if module.bias is not None:
            module.bias.zero_()
    elif isinstance(module, nn.LSTM):
        parts = dict(module.named_parameters())
        nn.init.xavier_uniform_(parts["weight_ih_l0"], generator=noise)
        nn.init.orthogonal_(parts["weight_hh_l0"], generator=noise)
        parts["bias_hh_l0"].zero_()
        forget = slice(module.hidden_size, 2 * module.hidden_size)
        parts["bias_ih_l0"].zero_()[forget] = 1
    elif isinstance(module, nn.LayerNorm):
        module.weight.fill_(1)
        module.bias.zero_()
    elif isinstance(module, CopyPrior):
        module.a.zero_()
        module.t.zero_()
