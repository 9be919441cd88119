"""Export of a model: a directory for transformers, or textgen's own in another storage.

Only here is transformers' format written; `tokenizers` comes with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from textgen.errors import UsageError
from textgen.files.atomic import json_bytes, real_path, writing
from textgen.messages import Message, with_article
from textgen.resources import data_dir
from textgen.store.catalog import CARD, PRIOR, TOKENIZER_FILES, ModelFiles
from textgen.store.checkpoint import CONFIG, WEIGHTS, tokenizer_files
from textgen.store.load import load_tensors, load_tokenizer
from textgen.store.save import write_model
from textgen.store.weights import check_storage
from textgen.tokenizers.export import build_tokenizer, tokenizer_config

DTYPES = {"fp16": torch.float16, "fp32": torch.float32}
EXAMPLE = "export/title_example.py"


def check_export(directory: Path, dtype: str | None, *, force: bool, storage: str | None = None) -> None:
    """Refuse an export before any work: an unknown precision, or a directory with something in it.

    Args:
        directory: Where to write.
        dtype: The precision, for transformers.
        force: Write into a directory with something in it.
        storage: The storage, for textgen; then there is no `dtype`.
    """
    if storage is not None and dtype is not None:
        hint = "{@dtype} is for transformers, {@storage} for textgen"
        raise UsageError("{@dtype} does not go with {@storage}", hint=hint)
    if storage is not None:
        check_storage(storage)
    elif dtype is not None and dtype not in DTYPES:
        raise UsageError("{@dtype} {name} is unknown", name=dtype, known=[*DTYPES], hint="one of: {known}")
    if directory.exists() and not directory.is_dir():
        raise UsageError("{path} is a file", path=directory, hint="give a directory")
    if directory.is_dir() and any(directory.iterdir()) and not force:
        raise UsageError("{path} is not empty", path=directory, hint="{@force} writes into it")


def export_model(files: ModelFiles, directory: Path, dtype: str = "fp16") -> Iterator[Path]:
    """Write a model for transformers.

    Args:
        files: Which model.
        directory: Where; made if absent.
        dtype: `fp16` or `fp32`.

    Yields:
        The files, each after it is written: `model.safetensors`, `config.json`, `tokenizer.json` and its
        config, `tokenizer.model`; for a title model also `prior.safetensors` and `example.py`.

    Raises:
        UsageError: The directory is the model's own, or transformers has no such network.
        ModelError: The model's files are broken.
        TextgenError: The directory cannot be written.
    """
    check_export(directory, dtype, force=True)
    _check_other(files, directory)
    if files.tokenizer is None:
        hint = "{@storage} fp16 writes a directory for textgen"
        raise UsageError("{name} has a vocabulary of another make", name=files.name, hint=hint)
    # only what transformers computes as we do is written for it
    ours = files.family.architecture is None
    unknown = Message("is {kind} model", kind=with_article(files.kind)) if ours else None
    if unknown := unknown or (Message("was trained with styles") if files.config.get("styles") else None):
        raise UsageError(
            "{name} {unknown}, which transformers does not know",
            name=files.name,
            unknown=unknown,
            hint="{@storage} fp16 writes a directory for textgen",
        )
    weights = load_tensors(files)
    prior = {name: weights.pop(name) for name in list(weights) if name.startswith("prior.")}
    name = str(DTYPES[dtype]).removeprefix("torch.")
    config = files.config | {"architectures": [files.family.architecture], "dtype": name}
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        yield _save(weights, directory / WEIGHTS, dtype)
        yield _save_json(config, directory / CONFIG)
        yield from _save_tokenizer(files, directory)
        if prior:
            yield _save(prior, directory / PRIOR, dtype)
            yield Path(shutil.copyfile(data_dir() / EXAMPLE, directory / "example.py"))


def store_model(files: ModelFiles, directory: Path, storage: str) -> Iterator[Path]:
    """Write a model for textgen, of whatever kind: what `model` reads.

    Args:
        files: Which model.
        directory: Where; made if absent.
        storage: `fp32`, `fp16` or `int8`.

    Yields:
        The files, each after it is written: `config.json`, `tokenizer.model`, `model.safetensors` (with the
        copy prior of a title model), and `CARD.md` if the model has one.

    Raises:
        UsageError: The directory is the model's own, or there is no such storage.
        ModelError: The model's files are broken, or a value does not fit the storage.
        TextgenError: The directory cannot be written.
    """
    check_export(directory, None, force=True, storage=storage)
    _check_other(files, directory)
    # transformers would load weights in the precision that the config remembers of another export
    config = {key: value for key, value in files.config.items() if key != "dtype"}
    own = files.tokenizer is not None
    tokenizer = load_tokenizer(files).path if own else tokenizer_files(files.path)
    yield from write_model(directory, load_tensors(files), config, tokenizer, storage)
    card = files.path / CARD
    if card.is_file():
        with writing(directory / CARD):
            yield Path(shutil.copyfile(card, directory / CARD))


def _check_other(files: ModelFiles, directory: Path) -> None:
    if real_path(directory) == real_path(files.path):
        raise UsageError("{path} is the model itself", path=directory, hint="give another directory")
    if files.family.loader is not None:
        hint = "copy its directory"
        raise UsageError("{name} is a checkpoint of transformers already", name=files.name, hint=hint)


def _save(tensors: dict[str, Tensor], path: Path, dtype: str) -> Path:
    # not save_file, whose files are for the owner's eyes only and whose errors are no OSErrors
    dense = {name: tensor.to(DTYPES[dtype]).contiguous() for name, tensor in tensors.items()}
    path.write_bytes(save(dense, {"format": "pt"}))
    return path


def _save_json(content: dict[str, Any], path: Path) -> Path:
    path.write_bytes(json_bytes(content, indent=2, sort_keys=True))
    return path


def _save_tokenizer(files: ModelFiles, directory: Path) -> Iterator[Path]:
    tokenizer = load_tokenizer(files)
    frame = tuple(getattr(tokenizer.specials, name) for name in files.family.frame)
    path = directory / "tokenizer.json"
    # not its own save, which takes no name that is not UTF-8
    path.write_text(build_tokenizer(tokenizer.path, frame).to_str(pretty=True), encoding="utf-8")
    yield path
    yield _save_json(tokenizer_config(files.positions), directory / "tokenizer_config.json")
    yield Path(shutil.copyfile(tokenizer.path, directory / TOKENIZER_FILES[0]))
