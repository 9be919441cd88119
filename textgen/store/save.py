"""A network as a model directory of textgen's own: what `find_model` and `load_model` read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.files.atomic import json_bytes, write_whole, writing
from textgen.models.families.unilm import UniLM
from textgen.store.catalog import CONFIG, PRIOR, TOKENIZER_FILES, WEIGHTS, kind_of
from textgen.store.weights import pack_weights


def save_model(
    directory: Path, network: nn.Module, config: Mapping[str, Any], tokenizer: Path, *, storage: str = "fp16"
) -> None:
    """Write a network so that it can be loaded: exactly the same from `fp32`.

    Args:
        directory: Where; made if absent. Files of a model that is there are replaced.
        network: A `Bert`, a `Gpt2`, a `UniLM`, or any whose tensors are called as in the file.
        config: What config.json says: `model_type`, the sizes, for a `UniLM` also `target_types`.
        tokenizer: The SentencePiece model that it was trained with.
        storage: `fp32`, `fp16` or `int8`.

    Raises:
        UsageError: There is no such storage.
        ModelError: The config does not say what the network is, a value does not fit the storage, or the
            tokenizer cannot be read. Nothing was written.
        TextgenError: The directory cannot be written.
    """
    if isinstance(network, UniLM) and "target_types" not in config:
        raise ModelError("the config of a title model lacks 'target_types'", hint='add {"l2r": 1, "r2l": 1}')
    for _ in write_model(directory, named_tensors(network), config, tokenizer, storage):
        pass


def write_model(
    directory: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], tokenizer: Path, storage: str
) -> Iterator[Path]:
    """Write tensors by their names in the file, config and tokenizer; see `save_model`.

    Yields:
        The files, each after it is written, the weights last.
    """
    # all that can be refused is refused before anything is written
    weights = pack_weights(tensors, storage, {"kind": kind_of(directory, config)})
    pieces = _content(tokenizer)
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        yield write_whole(directory / CONFIG, config_json(config))
        yield write_whole(directory / TOKENIZER_FILES[0], pieces)
        # the prior of a former model would take the place of this one's
        (directory / PRIOR).unlink(missing_ok=True)
        yield write_whole(directory / WEIGHTS, weights)


def named_tensors(network: nn.Module) -> dict[str, Tensor]:
    """A network's tensors by their names in the file: of the BERT inside a `UniLM`, those of a BERT."""
    prefix = "network." if isinstance(network, UniLM) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in network.state_dict().items()}


def config_json(config: Mapping[str, Any]) -> bytes:
    """A config as it is written."""
    return json_bytes(config, indent=2, sort_keys=True)


def _content(tokenizer: Path) -> bytes:
    try:
        return tokenizer.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read the tokenizer {tokenizer}: {error.strerror or error}", hint="is the file there?"
        ) from None
