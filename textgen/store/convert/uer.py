"""Checkpoints of UER-py, `.bin` with names of its own: https://github.com/dbiir/UER-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from textgen.errors import ModelError
from textgen.store.convert.lazy import LazyTensor, side_by_side
from textgen.store.convert.renamed import Renamed, Tensors, check_sizes, check_whole, layers_of, shape_of

WORDS = "embedding.word.embedding.weight"
POSITIONS = "embedding.pos.embedding.weight"
TYPES = "embedding.seg.embedding.weight"
OLD = {
    "embedding.word_embedding.": "embedding.word.embedding.",
    "embedding.position_embedding.": "embedding.pos.embedding.",
    "embedding.segment_embedding.": "embedding.seg.embedding.",
    "target.mlm_linear_": "target.mlm.linear_",
    "target.layer_norm.": "target.mlm.layer_norm.",
    "target.output_layer.": "target.lm.output_layer.",
}
ENDS = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}
NORM, LINEAR = ("gamma", "beta"), ("weight", "bias")
BERT = {
    "self_attn.linear_layers.0": "attention.self.query",
    "self_attn.linear_layers.1": "attention.self.key",
    "self_attn.linear_layers.2": "attention.self.value",
    "self_attn.final_linear": "attention.output.dense",
    "layer_norm_1": "attention.output.LayerNorm",
    "feed_forward.linear_1": "intermediate.dense",
    "feed_forward.linear_2": "output.dense",
    "layer_norm_2": "output.LayerNorm",
}
GPT2 = {
    "self_attn.final_linear": "attn.c_proj",
    "layer_norm_1": "ln_1",
    "feed_forward.linear_1": "mlp.c_fc",
    "feed_forward.linear_2": "mlp.c_proj",
    "layer_norm_2": "ln_2",
}
# the first two stood around every line
SPECIALS = {"bos_token_id": "[CLS]", "eos_token_id": "[SEP]", "pad_token_id": "[PAD]"}
TOGETHER = [f"self_attn.linear_layers.{part}" for part in range(3)]


def fits(tensors: Tensors) -> bool:
    """Whether these are the tensors of such a checkpoint."""
    return any(name.startswith("encoder.transformer.0.self_attn.") for name in tensors)


def rename(tensors: Tensors, given: Mapping[str, Any]) -> Renamed:
    """Give a checkpoint transformers' names: a BERT if it predicts masked words, a GPT-2 if the next one.

    Args:
        tensors: Of the checkpoint.
        given: The config beside it.

    Raises:
        ModelError: It is of another kind, tensors are missing, or the config does not belong to them.
    """
    tensors = {_new(name): tensor for name, tensor in tensors.items()}
    layers = layers_of(tensors, "encoder.transformer.", ".feed_forward.linear_2.bias")
    before = "encoder.layer_norm.gamma" in tensors
    if "target.mlm.linear_2.weight" in tensors and not before:
        return _bert(tensors, given, layers)
    if "target.lm.output_layer.weight" in tensors and before:
        return _gpt2(tensors, given, layers)
    hint = (
        "those that predict masked words after the manner of BERT, or the next word after that of GPT-2, are"
    )
    raise ModelError("this kind of UER model is not converted", hint=hint)


def _new(name: str) -> str:
    begin = next((begin for begin in OLD if name.startswith(begin)), "")
    return OLD.get(begin, "") + name.removeprefix(begin)


def _bert(tensors: Tensors, given: Mapping[str, Any], layers: int) -> Renamed:
    places = {
        WORDS: "bert.embeddings.word_embeddings.weight",
        POSITIONS: "bert.embeddings.position_embeddings.weight",
        TYPES: "bert.embeddings.token_type_embeddings.weight",
        "target.mlm.linear_2.bias": "cls.predictions.bias",
    }
    modules = {
        "embedding.layer_norm": "bert.embeddings.LayerNorm",
        "target.mlm.linear_1": "cls.predictions.transform.dense",
        "target.mlm.layer_norm": "cls.predictions.transform.LayerNorm",
    }
    for layer in range(layers):
        old, new = f"encoder.transformer.{layer}.", f"bert.encoder.layer.{layer}."
        modules |= {old + part: new + name for part, name in BERT.items()}
    places |= _tensors_of(modules)
    check_whole(tensors, places)
    kept = {new: tensors[old].single() for old, new in places.items()}
    types = places[TYPES]
    shape_of(tensors, TYPES, 2)
    kept[types] = kept[types].behind(1)  # the first is that of padding
    config = _sizes(tensors, given, layers) | {
        "model_type": "bert",
        "architectures": ["BertForMaskedLM"],
        "hidden_act": given.get("hidden_act", "gelu"),
        "type_vocab_size": kept[types].shape[0],
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    head = "target.mlm.linear_2.weight"
    if not _equal(tensors[head], tensors[WORDS]):
        kept["cls.predictions.decoder.weight"] = tensors[head].single()
        kept["cls.predictions.decoder.bias"] = kept["cls.predictions.bias"]
        config["tie_word_embeddings"] = False
    return Renamed("bert", config, kept, sorted(set(tensors).difference(places, [head])))


def _gpt2(tensors: Tensors, given: Mapping[str, Any], layers: int) -> Renamed:
    places = {WORDS: "transformer.wte.weight", POSITIONS: "transformer.wpe.weight"}
    modules = {"encoder.layer_norm": "transformer.ln_f"}
    together = {}
    for layer in range(layers):
        old, new = f"encoder.transformer.{layer}.", f"transformer.h.{layer}."
        modules |= {old + part: new + name for part, name in GPT2.items()}
        together[f"{new}attn.c_attn"] = [old + part for part in TOGETHER]
    places |= _tensors_of(modules)
    parts = [f"{part}.{end}" for parts in together.values() for part in parts for end in LINEAR]
    check_whole(tensors, [*places, *parts])
    kept = {new: _by_inputs(tensors[old], new) for old, new in places.items()}
    for new, old_parts in together.items():
        for end in LINEAR:
            name = f"{new}.{end}"
            kept[name] = side_by_side([_by_inputs(tensors[f"{part}.{end}"], name) for part in old_parts])
    sizes = _sizes(tensors, given, layers)
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": sizes["vocab_size"],
        "n_embd": sizes["hidden_size"],
        "n_head": sizes["num_attention_heads"],
        "n_layer": layers,
        "n_positions": sizes["max_position_embeddings"],
        "n_inner": sizes["intermediate_size"],
        "activation_function": given.get("hidden_act", "gelu"),
        "layer_norm_epsilon": 1e-5,
    }
    head = "target.lm.output_layer.weight"
    if not _equal(tensors[head], tensors[WORDS]):
        kept["lm_head.weight"] = tensors[head].single()
        config["tie_word_embeddings"] = False
    return Renamed("gpt2", config, kept, sorted(set(tensors).difference(places, parts, [head])), SPECIALS)


def _tensors_of(modules: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{old}.{end}": f"{new}.{ENDS[end]}"
        for old, new in modules.items()
        for end in (NORM if "layer_norm" in old else LINEAR)
    }


def _by_inputs(tensor: LazyTensor, name: str) -> LazyTensor:
    """A matrix with rows for inputs, as GPT-2 has those of its layers."""
    layered = ".h." in name and len(tensor.shape) == 2
    return (tensor.transposed() if layered else tensor).single()


def _sizes(tensors: Tensors, given: Mapping[str, Any], layers: int) -> dict[str, Any]:
    vocabulary, width = shape_of(tensors, WORDS, 2)
    inner, _ = shape_of(tensors, "encoder.transformer.0.feed_forward.linear_1.weight", 2)
    check_sizes(given, {"layers_num": layers, "hidden_size": width, "feedforward_size": inner})
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": given["num_attention_heads"],
        "intermediate_size": inner,
        "max_position_embeddings": shape_of(tensors, POSITIONS, 2)[0],
    }


def _equal(head: LazyTensor, words: LazyTensor) -> bool:
    """Whether words are predicted by the matrix that embeds them: UER ties the two where it is told to."""
    return head.shape == words.shape and torch.equal(head.read(), words.read())
