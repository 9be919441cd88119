"""Checkpoints of GPT2-ML, whose network and names are those of Grover: https://github.com/imcaspar/gpt2-ml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textgen.store.convert.lazy import LazyTensor, side_by_side
from textgen.store.convert.renamed import (
    Renamed,
    Tensors,
    check_sizes,
    check_whole,
    layers_of,
    shape_of,
    slots_of,
)

KIND = "gpt2-ml"
WORDS = "newslm/embeddings/word_embed"
WHOLE = {
    WORDS: "wte.weight",
    "newslm/embeddings/pos_embed": "wpe.weight",
    "newslm/embeddings/LayerNorm_embed_norm/gamma": "emb_norm.weight",
    "newslm/embeddings/LayerNorm_embed_norm/beta": "emb_norm.bias",
}
# kernels stay as they are: GPT-2 has inputs for rows, too
LAYER = {
    "context_projection_layer/kernel": "attn.c_proj.weight",
    "context_projection_layer/bias": "attn.c_proj.bias",
    "LayerNorm_mlp_ln0/gamma": "ln_1.weight",
    "LayerNorm_mlp_ln0/beta": "ln_1.bias",
    "intermediate/kernel": "mlp.c_fc.weight",
    "intermediate/bias": "mlp.c_fc.bias",
    "output/kernel": "mlp.c_proj.weight",
    "output/bias": "mlp.c_proj.bias",
    "LayerNorm_mlp_ln1/gamma": "ln_2.weight",
    "LayerNorm_mlp_ln1/beta": "ln_2.bias",
}
TOGETHER = ("query_layer", "key_layer", "value_layer")
ENDS = {"kernel": "weight", "bias": "bias"}
SPECIALS = {"eos_token_id": "[SEP]", "pad_token_id": "[PAD]"}  # nothing begins a text


def fits(tensors: Tensors) -> bool:
    """Whether these are the tensors of such a checkpoint."""
    return WORDS in tensors


def rename(tensors: Tensors, given: Mapping[str, Any]) -> Renamed:
    """Give a checkpoint names after those of GPT-2.

    Args:
        tensors: Of the checkpoint.
        given: The config beside it.

    Raises:
        ModelError: Tensors are missing, or the config does not belong to them.
    """
    layers = layers_of(tensors, "newslm/layer", "/output/bias")
    begins = {number: f"newslm/layer{number:02}/" for number in range(layers)}
    parts = [*LAYER, *(f"{part}/{end}" for part in TOGETHER for end in ENDS)]
    wanted = [*WHOLE, *(begin + part for begin in begins.values() for part in parts)]
    check_whole(tensors, wanted)
    kept: dict[str, LazyTensor] = {f"transformer.{new}": tensors[name] for name, new in WHOLE.items()}
    for number, begin in begins.items():
        new = f"transformer.h.{number}."
        kept |= {new + name: tensors[begin + old] for old, name in LAYER.items()}
        for old, name in ENDS.items():
            kept[f"{new}attn.c_attn.{name}"] = side_by_side(
                [tensors[f"{begin}{part}/{old}"] for part in TOGETHER]
            )
    ignored = slots_of(tensors).union(wanted)
    left_out = sorted(name for name in tensors if name not in ignored)
    kept = {name: tensor.single() for name, tensor in kept.items()}
    return Renamed(KIND, _config(tensors, given, layers), kept, left_out, SPECIALS)


def _config(tensors: Tensors, given: Mapping[str, Any], layers: int) -> dict[str, Any]:
    vocabulary, width = shape_of(tensors, WORDS, 2)
    positions, _ = shape_of(tensors, "newslm/embeddings/pos_embed", 2)
    inner, _ = shape_of(tensors, "newslm/layer00/output/kernel", 2)
    found = {"vocab_size": vocabulary, "hidden_size": width, "num_hidden_layers": layers}
    found |= {"max_position_embeddings": positions, "intermediate_size": inner}
    check_sizes(given, found)
    return {
        "model_type": KIND,
        "vocab_size": vocabulary,
        "n_embd": width,
        "n_layer": layers,
        "n_head": given["num_attention_heads"],
        "n_positions": positions,
        "n_inner": inner,
        "activation_function": "gelu",
        "layer_norm_epsilon": 1e-5,
    }
