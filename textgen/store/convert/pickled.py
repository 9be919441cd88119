"""PyTorch's `.bin`, which only here is read, and only by the loader that makes nothing but tensors."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from textgen.errors import ModelError
from textgen.files.atomic import utf8_name
from textgen.files.small_files import read_json
from textgen.store.convert.lazy import LazyTensor

WHOLE = "pytorch_model.bin"
SHARDED = "pytorch_model.bin.index.json"
INSIDE = ("state_dict", "model", "module")  # where trainers put the tensors beside their own state
DAMAGED = "is the file whole? fetch it once more"


def read_pickled(path: Path) -> tuple[dict[str, LazyTensor], list[Path]]:
    """Read a `.bin`, or the shards that an index names.

    Args:
        path: Of the file, or of `pytorch_model.bin.index.json`.

    Returns:
        Its tensors by name, and the files that hold them.

    Raises:
        ModelError: A file is broken, missing, or holds more than tensors.
    """
    files = _shards(path) if path.name.endswith(".json") else [path]
    tensors: dict[str, Tensor] = {}
    for file in files:
        tensors |= _read(file)
    return {name: _lazy(tensor) for name, tensor in tensors.items()}, files


def _lazy(tensor: Tensor) -> LazyTensor:
    return LazyTensor(tuple(tensor.shape), tensor.dtype, lambda: tensor)


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(read_json(index)["weight_map"].values()))
        if not all(isinstance(name, str) and Path(name).name == name for name in names):
            raise ValueError("a shard lies elsewhere")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = "it is to have a weight_map of names to files beside it"
        raise ModelError("cannot read {path}: {reason}", path=index, reason=reason, hint=hint) from None
    return [index.with_name(name) for name in names]


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError("there is no {path}", path=path, hint="the shards of a model belong together")
    try:
        with utf8_name(path) as name:
            try:
                content = torch.load(name, map_location="cpu", weights_only=True, mmap=True)
            except RuntimeError:  # files of old versions are no archives, and cannot be mapped
                content = torch.load(name, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        hint = "such a file could run any program while it is loaded; save its state_dict() alone"
        raise ModelError("{path} holds more than tensors", path=path, hint=hint) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError("cannot read {path}: {reason}", path=path, reason=reason, hint=DAMAGED) from None
    return _tensors(content, path)


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        for name in INSIDE:
            if isinstance(content.get(name), Mapping):
                content = content[name]
    if isinstance(content, Mapping) and content and all(_is_entry(*item) for item in content.items()):
        return dict(content)
    hint = "it is to hold the state_dict() of a model"
    raise ModelError("{path} is no mapping of names to tensors", path=path, hint=hint)


def _is_entry(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor) and value.layout == torch.strided
