"""Weights that bert4keras saved by `model.save_weights`, in HDF5, under the names of a checkpoint.

A file has a group for each layer, which lists its tensors in the order in which the layer made them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from textgen.errors import ModelError, TextgenError
from textgen.store.convert.lazy import LazyTensor

SUFFIXES = (".weights", ".h5", ".hdf5")
DENSE = ("kernel", "bias")
NORM = ("beta", "gamma")
BERT = {
    "Embedding-Token": ("bert/embeddings/word_embeddings",),
    "Embedding-Segment": ("bert/embeddings/token_type_embeddings",),
    "Embedding-Position": ("bert/embeddings/position_embeddings",),
    "Embedding-Norm": tuple(f"bert/embeddings/LayerNorm/{end}" for end in NORM),
    "Embedding-Mapping": tuple(f"bert/encoder/embedding_hidden_mapping_in/{end}" for end in DENSE),
    "Pooler-Dense": tuple(f"bert/pooler/dense/{end}" for end in DENSE),
    "NSP-Proba": ("cls/seq_relationship/output_weights", "cls/seq_relationship/output_bias"),
    "MLM-Dense": tuple(f"cls/predictions/transform/dense/{end}" for end in DENSE),
    "MLM-Norm": tuple(f"cls/predictions/transform/LayerNorm/{end}" for end in NORM),
    "MLM-Bias": ("cls/predictions/output_bias",),
}
BERT_LAYER = {
    "MultiHeadSelfAttention": (
        *(f"attention/self/{part}/{end}" for part in ("query", "key", "value") for end in DENSE),
        *(f"attention/output/dense/{end}" for end in DENSE),
    ),
    "MultiHeadSelfAttention-Norm": tuple(f"attention/output/LayerNorm/{end}" for end in NORM),
    "FeedForward": tuple(f"{part}/dense/{end}" for part in ("intermediate", "output") for end in DENSE),
    "FeedForward-Norm": tuple(f"output/LayerNorm/{end}" for end in NORM),
}
GPT2_ML = {
    "Embedding-Token": ("newslm/embeddings/word_embed",),
    "Embedding-Position": ("newslm/embeddings/pos_embed",),
    "Embedding-Norm": tuple(f"newslm/embeddings/LayerNorm_embed_norm/{end}" for end in NORM),
}
GPT2_ML_LAYER = {
    "MultiHeadSelfAttention": tuple(
        f"{part}_layer/{end}" for part in ("query", "key", "value", "context_projection") for end in DENSE
    ),
    "FeedForward-Norm-0": tuple(f"LayerNorm_mlp_ln0/{end}" for end in NORM),
    "FeedForward": tuple(f"{part}/{end}" for part in ("intermediate", "output") for end in DENSE),
    "FeedForward-Norm-1": tuple(f"LayerNorm_mlp_ln1/{end}" for end in NORM),
}
LAYER = re.compile(r"Transformer-(\d+)-(.+)")
COMPUTED = (
    "Embedding-Relative-Position",
    "Embedding-Rotary-Position",
)  # of NEZHA and RoFormer: sines and cosines


def read_keras(path: Path) -> tuple[dict[str, LazyTensor], list[Path]]:
    """Look at a file of weights.

    Args:
        path: The file.

    Returns:
        Its tensors, named as in a checkpoint, or `LAYER/NUMBER` where a layer is not known; and the file.

    Raises:
        TextgenError: h5py is not installed.
        ModelError: The file is broken, or not of bert4keras.
    """
    try:
        import h5py
    except ImportError:
        hint = "pip install '.[convert]', or save a checkpoint: save_weights_as_checkpoint"
        raise TextgenError("{path} needs the package h5py", path=path, hint=hint) from None
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)  # what `model.save` wrote has more beside
            found = {str(name): _listed(root[name]) for name in _names(root, "layer_names")}
            tensors = dict(_renamed(found, path))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        hint = "is it whole, and of Keras?"
        raise ModelError("cannot read {path}: {reason}", path=path, reason=reason, hint=hint) from None
    return tensors, [path]


def _names(group: Any, attribute: str) -> list[str]:
    """The names that an attribute of a group lists; long lists are in several parts."""
    if attribute in group.attrs:
        parts = [attribute]
    else:
        parts = sorted((key for key in group.attrs if re.fullmatch(rf"{attribute}\d+", key)), key=_number)
        if not parts:
            raise KeyError(f"it has no {attribute}")
    names = [name for part in parts for name in group.attrs[part]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _number(key: str) -> int:
    return int(re.sub(r"\D", "", key))


def _listed(group: Any) -> list[tuple[str, tuple[int, ...], str]]:
    """Path, shape and type of a layer's tensors, in order."""
    names = _names(group, "weight_names")
    return [(group[name].name, tuple(group[name].shape), str(group[name].dtype)) for name in names]


def _renamed(
    found: dict[str, list[tuple[str, tuple[int, ...], str]]], path: Path
) -> Iterator[tuple[str, LazyTensor]]:
    grover = any(name.endswith("FeedForward-Norm-0") for name in found)
    for layer, tensors in found.items():
        names = _known(layer, grover) or tuple(f"{layer}/{number}" for number in range(len(tensors)))
        if layer in COMPUTED or not tensors:
            continue
        if len(names) != len(tensors) or not all(map(_ends_alike, names, tensors)):
            listed = [name for name, _, _ in tensors]
            raise ModelError(
                "{path}: {layer} has other tensors: {listed}",
                path=path,
                layer=layer,
                listed=listed,
                hint="is it a model of bert4keras without conditions?",
            )
        for name, (place, shape, dtype) in zip(names, tensors, strict=True):
            yield name, LazyTensor(shape, getattr(torch, dtype), partial(_read, path, place))


def _known(layer: str, grover: bool) -> tuple[str, ...]:
    """The names of a layer's tensors in a checkpoint; none if it is not known."""
    if inner := LAYER.fullmatch(layer):
        number, part = int(inner[1]), inner[2]
        begin = f"newslm/layer{number:02}/" if grover else f"bert/encoder/layer_{number}/"
        return tuple(begin + name for name in (GPT2_ML_LAYER if grover else BERT_LAYER).get(part, ()))
    return (GPT2_ML if grover else BERT).get(layer, ())


def _ends_alike(name: str, tensor: tuple[str, tuple[int, ...], str]) -> bool:
    """Whether a tensor is of the kind that its new name says, as far as either tells."""
    own = tensor[0].rpartition("/")[2].partition(":")[0]
    end = name.rpartition("/")[2]
    return own == end or end not in (*DENSE, *NORM)


def _read(path: Path, place: str) -> Tensor:
    import h5py

    with h5py.File(path, "r") as file:
        return torch.from_numpy(file[place][()])
