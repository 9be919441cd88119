"""Saving a network as a model directory, which `find_model` and `load_model` read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.files.atomic import json_bytes, write_whole, writing
from textgen.plugins import resolved
from textgen.store.catalog import PRIOR, TOKENIZER_FILES, family_in
from textgen.store.checkpoint import CONFIG, INDEX, TOKENIZER, WEIGHTS
from textgen.store.weights import pack_weights


def save_model(
    directory: Path,
    network: nn.Module,
    config: Mapping[str, Any],
    tokenizer: Path | Mapping[str, Path],
    *,
    storage: str = "fp16",
) -> None:
    """Write a network so that it can be loaded: exactly the same from `fp32`.

    Args:
        directory: Where; made if absent. Files of a model that is there are replaced.
        network: The network of a family of models.
        config: What config.json says: `model_type`, the sizes, and what else tells the family.
        tokenizer: The SentencePiece model that it was trained with; or the files of a tokenizer of another
            make, by the names that they are to have.
        storage: `fp32`, `fp16` or `int8`.

    Raises:
        UsageError: There is no such storage.
        ModelError: The config is of another network, a value does not fit the storage, or the
            tokenizer cannot be read. Nothing was written.
        TextgenError: The directory cannot be written.
    """
    family = family_in(directory, config)
    if family.network and not isinstance(network, resolved(family.network)):
        raise ModelError(
            "the config is of a {family} model, which is no {network}",
            family=family.name,
            network=type(network).__name__,
            hint="its model_type tells the family; that of a title model has target_types beside",
        )
    tensors = {name.removeprefix(family.prefix): tensor for name, tensor in network.state_dict().items()}
    for _ in write_model(directory, tensors, config, tokenizer, storage):
        pass


def write_model(
    directory: Path,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    tokenizer: Path | Mapping[str, Path],
    storage: str,
) -> Iterator[Path]:
    """Write tensors by their names in the file, config and tokenizer; see `save_model`.

    Yields:
        The files, each after it is written, the weights last.
    """
    # all that can be refused is refused before anything is written
    weights = pack_weights(tensors, storage, {"kind": family_in(directory, config).name})
    beside = {TOKENIZER_FILES[0]: tokenizer} if isinstance(tokenizer, Path) else tokenizer
    yield from write_files(directory, config, read_files(beside), weights)


def read_files(files: Mapping[str, Path]) -> dict[str, bytes]:
    """The files of a tokenizer, by the names that they are to have. Raises ModelError."""
    found = {}
    for name, path in files.items():
        try:
            found[name] = path.read_bytes()
        except OSError as error:
            raise ModelError(
                "cannot read the tokenizer {path}: {reason}",
                path=path,
                reason=error.strerror or error,
                hint="is the file there?",
            ) from None
    return found


def write_files(
    directory: Path, config: Mapping[str, Any], beside: Mapping[str, bytes], weights: bytes
) -> Iterator[Path]:
    """Write config.json, the files of the tokenizer, and `model.safetensors`; those of a former model go.

    Yields:
        The files, each after it is written, the weights last.

    Raises:
        TextgenError: The directory cannot be written.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        yield write_whole(directory / CONFIG, json_bytes(config, indent=2, sort_keys=True))
        for name, content in beside.items():
            yield write_whole(directory / name, content)
        # the prior, the vocabulary or the index of a former model would take the place of this one's
        for name in {PRIOR, TOKENIZER_FILES[0], INDEX, *TOKENIZER}.difference(beside):
            (directory / name).unlink(missing_ok=True)
        yield write_whole(directory / WEIGHTS, weights)
