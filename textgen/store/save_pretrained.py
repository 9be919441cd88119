"""Saving a network of transformers as the checkpoint that it was: names, config and tokenizer stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from textgen.errors import UsageError
from textgen.files.atomic import writing
from textgen.store.catalog import ModelFiles
from textgen.store.checkpoint import WEIGHTS, tokenizer_files
from textgen.store.pretrained import profile_of_files, silent
from textgen.store.save import read_files, write_files
from textgen.store.weights import as_finite

DTYPES = {"fp32": torch.float32, "fp16": torch.float16}
ONE_FILE = "1000GB"  # beyond which weights would be cut into parts


def check_pretrained_storage(files: ModelFiles, storage: str) -> None:
    """Refuse a storage that transformers does not read. Raises UsageError."""
    if storage not in DTYPES:
        template = "{@storage} {storage} is for models of textgen's own make, not for {name}"
        hint = "take {known}"
        raise UsageError(template, storage=storage, name=files.name, hint=hint, known=[*DTYPES])


def save_pretrained(directory: Path, network: Any, files: ModelFiles, *, storage: str = "fp16") -> None:
    """Write a network that was loaded from a checkpoint in its layout, so that transformers loads it, too.

    Args:
        directory: Where; made if absent. Files of a model that is there are replaced.
        network: The network of transformers, trained since.
        files: The checkpoint that it was loaded from, whose config and tokenizer it keeps.
        storage: `fp32` or `fp16`.

    Raises:
        UsageError: Checkpoints are not stored so.
        ModelError: A value does not fit the storage, or a file of the tokenizer cannot be read. Nothing was
            written.
        TextgenError: The directory cannot be written.
    """
    check_pretrained_storage(files, storage)
    beside = read_files(tokenizer_files(files.path))
    tensors = _stored(network.state_dict(), DTYPES[storage])
    with writing(directory), TemporaryDirectory() as draft, silent():
        network.save_pretrained(draft, state_dict=tensors, max_shard_size=ONE_FILE)
        weights = (Path(draft) / WEIGHTS).read_bytes()
        config = _config(files, storage, beside, Path(draft))
    for _ in write_files(directory, config, beside, weights):
        pass


def _stored(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Tensors in the type that they are stored in; what is tied stays so, by which it is left out."""
    found: dict[tuple[int, torch.Size], Tensor] = {}
    stored = {}
    for name, tensor in tensors.items():
        key = tensor.data_ptr(), tensor.shape
        if key not in found:
            kept = tensor.detach().cpu()
            found[key] = as_finite(name, kept.to(dtype), kept) if tensor.is_floating_point() else kept
        stored[name] = found[key]
    return stored


def _config(files: ModelFiles, storage: str, beside: Mapping[str, bytes], draft: Path) -> dict[str, Any]:
    """The config of the checkpoint; with its name, where its conventions are known by the folder's alone."""
    config = {name: value for name, value in files.config.items() if name != "torch_dtype"}
    config["dtype"] = str(DTYPES[storage]).removeprefix("torch.")
    for name, content in beside.items():
        (draft / name).write_bytes(content)
    profile, found = profile_of_files(files), profile_of_files(replace(files, path=draft, config=config))
    if replace(found, words=profile.words) != profile:
        config["_name_or_path"] = files.path.resolve().name
    return config
