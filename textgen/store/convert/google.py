"""Checkpoints with the names of Google's BERT: those of BERT, NEZHA and RoFormer, and what bert4keras saves.

SimBERT (苏剑林, https://kexue.fm/archives/7427) and RoFormer-Sim (https://kexue.fm/archives/8454) are a BERT
and a RoFormer that were trained to write similar sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from textgen.errors import ModelError, UsageError
from textgen.store.convert.lazy import LazyTensor
from textgen.store.convert.renamed import (
    Renamed,
    Tensors,
    check_sizes,
    check_whole,
    layers_of,
    shape_of,
    slots_of,
)

BERT, SIMBERT, ROFORMER, ROFORMER_SIM, NEZHA = "bert", "simbert", "roformer", "roformer-sim", "nezha"
WITH_POSITIONS = (BERT, SIMBERT)
WITHOUT = (ROFORMER, ROFORMER_SIM, NEZHA)
KINDS = (*WITH_POSITIONS, *WITHOUT)
WORDS = "bert/embeddings/word_embeddings"
POSITIONS = "bert/embeddings/position_embeddings"
TYPES = "bert/embeddings/token_type_embeddings"
MAPPING = "bert/encoder/embedding_hidden_mapping_in/kernel"
HEAD = "cls/predictions/output_bias"
LAYER = re.compile(r"layer_(\d+)")
NAMES = {
    WORDS: "embeddings.word_embeddings.weight",
    POSITIONS: "embeddings.position_embeddings.weight",
    TYPES: "embeddings.token_type_embeddings.weight",
    "bert/encoder/embedding_hidden_mapping_in/": "embeddings_project.",
    "bert/": "",
}
ENDS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
PARTS = (
    *(f"attention/self/{part}/{end}" for part in ("query", "key", "value") for end in ("kernel", "bias")),
    *(
        f"{part}/dense/{end}"
        for part in ("attention/output", "intermediate", "output")
        for end in ("kernel", "bias")
    ),
    *(f"{part}/LayerNorm/{end}" for part in ("attention/output", "output") for end in ("gamma", "beta")),
)
HEADS_PARTS = (
    "transform/dense/kernel",
    "transform/dense/bias",
    "transform/LayerNorm/gamma",
    "transform/LayerNorm/beta",
)
ELECTRA = {
    "cls.predictions.transform.dense.": "generator_predictions.dense.",
    "cls.predictions.transform.LayerNorm.": "generator_predictions.LayerNorm.",
    "cls.predictions.bias": "generator_lm_head.bias",
}
NETWORKS = {SIMBERT: "bert", ROFORMER_SIM: "bert"}  # names of tensors, where they are no model_type
ARCHITECTURES = {
    "bert": "BertForMaskedLM",
    "electra": "ElectraForMaskedLM",
    "roformer": "RoFormerForMaskedLM",
    "nezha": "NezhaForMaskedLM",
}
EPSILON = 1e-12  # of Google's and, as near as single precision can tell, of bert4keras


def fits(tensors: Tensors) -> bool:
    """Whether these are the tensors of such a checkpoint."""
    return WORDS in tensors


def rename(tensors: Tensors, given: Mapping[str, Any], kind: str | None) -> Renamed:
    """Give a checkpoint transformers' names.

    Args:
        tensors: Of the checkpoint.
        given: The config beside it.
        kind: One of `KINDS`; None if it can be told.

    Raises:
        UsageError: The kind cannot be told, or is none that it can be of.
        ModelError: Tensors are missing, or the config does not belong to them.
    """
    kind = _kind(tensors, given, kind)
    layers = layers_of(tensors, "bert/encoder/layer_", "/output/dense/bias")
    factorised = MAPPING in tensors
    if HEAD not in tensors:
        hint = "it was trained to tell classes apart, not to write"
        raise ModelError("the checkpoint has no head that predicts words ({name})", name=HEAD, hint=hint)
    wanted = list(_wanted(kind, layers, factorised))
    check_whole(tensors, wanted)
    config = _config(tensors, given, kind, layers)
    kept = {}
    for name in wanted:
        tensor = tensors[name].single()
        # of `x @ kernel`; torch has rows for outputs
        kept[_new_name(name, config["model_type"])] = (
            tensor.transposed() if name.endswith("kernel") else tensor
        )
    if config["model_type"] == ROFORMER:
        kept["roformer.encoder.embed_positions.weight"] = _waves(config)
    ignored = slots_of(tensors).union(wanted)
    return Renamed(kind, config, kept, sorted(name for name in tensors if name not in ignored))


def _kind(tensors: Tensors, given: Mapping[str, Any], kind: str | None) -> str:
    possible = WITH_POSITIONS if POSITIONS in tensors else WITHOUT
    if kind is not None:
        if kind not in possible:
            raise UsageError(
                "{@kind} {kind} cannot be: the checkpoint has {positions}",
                kind=kind,
                positions="position embeddings" if POSITIONS in tensors else "no position embeddings",
                known=[*possible],
                hint="it is one of: {known}",
            )
        return kind
    if possible is WITH_POSITIONS:
        return BERT
    if given.get("model_type") in WITHOUT:
        return str(given["model_type"])
    if given.get("use_relative_position"):
        return NEZHA
    if "rotary_value" in given:
        return ROFORMER
    hint = "{@kind} says it: one of {known}"
    raise UsageError("without position embeddings it is a RoFormer or a NEZHA", known=[*WITHOUT], hint=hint)


def _wanted(kind: str, layers: int, factorised: bool) -> Iterator[str]:
    yield from (WORDS, TYPES, "bert/embeddings/LayerNorm/gamma", "bert/embeddings/LayerNorm/beta", HEAD)
    yield from ((POSITIONS,) if kind in WITH_POSITIONS else ())
    yield from ((MAPPING, MAPPING.replace("kernel", "bias")) if factorised else ())
    yield from (f"cls/predictions/{part}" for part in HEADS_PARTS)
    yield from (f"bert/encoder/layer_{layer}/{part}" for layer in range(layers) for part in PARTS)


def _new_name(name: str, model_type: str) -> str:
    if name == HEAD:
        new = "cls.predictions.bias"
    elif name.startswith("cls/"):
        new = _dotted(name)
    else:
        begin = next(begin for begin in NAMES if name.startswith(begin))
        new = f"{NETWORKS.get(model_type, model_type)}.{NAMES[begin]}" + _dotted(name.removeprefix(begin))
    if model_type == "electra":
        for begin, other in ELECTRA.items():
            new = other + new.removeprefix(begin) if new.startswith(begin) else new
    return new


def _dotted(name: str) -> str:
    *parts, end = LAYER.sub(r"layer/\1", name).split("/")
    return ".".join([*parts, ENDS.get(end, end)])


def _config(tensors: Tensors, given: Mapping[str, Any], kind: str, layers: int) -> dict[str, Any]:
    vocabulary, embedded = shape_of(tensors, WORDS, 2)
    inner, width = shape_of(tensors, "bert/encoder/layer_0/output/dense/kernel", 2)
    found = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "type_vocab_size": shape_of(tensors, TYPES, 2)[0],
    }
    if POSITIONS in tensors:
        found["max_position_embeddings"] = shape_of(tensors, POSITIONS, 2)[0]
    check_sizes(given, found | {"embedding_size": embedded} if MAPPING in tensors else found)
    # a generator of ELECTRA is a BERT whose words are narrower than its layers
    model_type = "electra" if kind == BERT and MAPPING in tensors else kind
    config = {
        "model_type": model_type,
        "num_attention_heads": given["num_attention_heads"],
        "hidden_act": given.get("hidden_act", "gelu"),
        "hidden_dropout_prob": given.get("hidden_dropout_prob", 0.1),
        "attention_probs_dropout_prob": given.get("attention_probs_dropout_prob", 0.1),
        "initializer_range": given.get("initializer_range", 0.02),
        "layer_norm_eps": EPSILON,
        "pad_token_id": 0,
        "max_position_embeddings": given.get("max_position_embeddings", 512),
        **found,
    }
    if model_type in ARCHITECTURES:
        config["architectures"] = [ARCHITECTURES[model_type]]
    if model_type not in (BERT, NEZHA):
        config["embedding_size"] = embedded
    if model_type == ROFORMER:
        config["rotary_value"] = False
    if kind == NEZHA:
        config["max_relative_position"] = given.get("max_relative_position", 64)
    return config


def _waves(config: Mapping[str, Any]) -> LazyTensor:
    """RoFormer's table of sines and cosines, which transformers stores and TensorFlow computes."""
    positions, width = (
        config["max_position_embeddings"],
        config["hidden_size"] // config["num_attention_heads"],
    )

    def read() -> Tensor:
        rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        angles = torch.arange(positions, dtype=torch.float64)[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], 1).float()

    return LazyTensor((positions, width), torch.float32, read)
