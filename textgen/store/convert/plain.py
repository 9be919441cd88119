"""Checkpoints of transformers in `.bin`: names and shapes stay, but for what it has given up itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from textgen.errors import ModelError
from textgen.store.convert.lazy import LazyTensor
from textgen.store.convert.renamed import Renamed, Tensors
from textgen.store.guises import GPT2_ML, true_config

# masks and numbers of positions, which were stored once
BUFFERS = re.compile(
    r"\.attn\.(masked_)?bias$|\.position_ids$|\.rotary_emb\.inv_freq$|\.embed_positions\.bias$"
    r"|\.relative_positions_encoding\.positions_encoding$"
)
OLD = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
# by output matrix: what it is the same as, where a model ties the two
TIED = {
    "lm_head.weight": (
        "transformer.wte.weight",
        "shared.weight",
        "model.embed_tokens.weight",
        "model.shared.weight",
    ),
    "cls.predictions.decoder.weight": ("bert.embeddings.word_embeddings.weight",),
    "cls.predictions.decoder.bias": ("cls.predictions.bias",),
    "encoder.embed_tokens.weight": ("shared.weight",),
    "decoder.embed_tokens.weight": ("shared.weight",),
    "model.encoder.embed_tokens.weight": ("model.shared.weight",),
    "model.decoder.embed_tokens.weight": ("model.shared.weight",),
}


def rename(tensors: Tensors, config: Mapping[str, Any]) -> Renamed:
    """Keep a checkpoint as it is.

    Args:
        tensors: Of the checkpoint.
        config: Its config.json.

    Raises:
        ModelError: The config names no kind of model.
    """
    if not isinstance(config.get("model_type"), str):
        hint = "it needs the config.json of its model beside it"
        raise ModelError("the config names no model_type", hint=hint)
    config = true_config(config, lambda: tensors)
    # a trunk that was saved alone has no name before its tensors
    begin = "transformer." if config["model_type"] == GPT2_ML and "wte.weight" in tensors else ""
    kept: dict[str, LazyTensor] = {}
    left_out = []
    for name, tensor in tensors.items():
        if BUFFERS.search(name) and (not name.endswith("attn.bias") or len(tensor.shape) == 4):
            left_out.append(name)
            continue
        if config.get("tie_word_embeddings", True) and _is_shared(name, tensors):
            continue
        end = next((end for end in OLD if name.endswith(end)), "")
        kept[begin + name.removesuffix(end) + OLD.get(end, "")] = tensor.single()
    return Renamed(config["model_type"], config, kept, left_out)


def _is_shared(name: str, tensors: Tensors) -> bool:
    """Whether a tensor is another one, which transformers puts into its place, too."""
    place = tensors[name].read().data_ptr()
    return any(other in tensors and tensors[other].read().data_ptr() == place for other in TIED.get(name, ()))
