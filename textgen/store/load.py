"""Loading a model: network, weights and tokenizer, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, fields
from reprlib import repr as short
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.empty_weights import unfilled
from textgen.models.family import LARGEST_SIZE
from textgen.models.layers.conditional_norm import add_condition, styles_of
from textgen.plugins import resolved
from textgen.store.catalog import CONFIG, PRIOR, TOKENIZER_FILES, ModelFiles
from textgen.store.weights import read_weights
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode, its tokenizer, and what a record says of it.

    Attributes:
        files: What it was loaded from.
        network: An `nn.Module` with a `vocab_size`, which offers the views of its family.
        tokenizer: Its tokenizer.
        label: Its name and the first digits of its weights' sha256.
    """

    files: ModelFiles
    network: Any
    tokenizer: SentencePieceTokenizer
    label: str


def load_model(files: ModelFiles) -> LoadedModel:
    """Load a model in float32.

    Raises:
        ModelError: The files are broken or do not fit each other, or the family has no network.
    """
    family, tokenizer = files.family, load_tokenizer(files)
    weights = read_weights(files.weights)
    config = _checked(files, len(weights))
    if family.prior and (files.path / PRIOR).is_file():
        weights |= read_weights(files.path / PRIOR)
    with unfilled():  # nothing is initialised: the weights are put in place as they are
        network: Any = family.build(config, tokenizer.specials, files.path / CONFIG)
        if family.styles and (styles := styles_of(config, files.path / CONFIG)) is not None:
            add_condition(network, *styles)
    _fill(network, weights, files)
    network = network.eval().requires_grad_(False).to(torch.get_default_device())
    if len(tokenizer.vocabulary) > network.vocab_size:
        raise ModelError(
            f"{files.path}: the tokenizer has {len(tokenizer.vocabulary)} tokens, "
            f"the model {network.vocab_size}",
            hint="is it the tokenizer the model was trained with?",
        )
    return LoadedModel(files, network, tokenizer, files.label)


def load_tokenizer(files: ModelFiles) -> SentencePieceTokenizer:
    """Load a model's tokenizer. Raises ModelError if there is none or it is broken."""
    if files.tokenizer is None:
        raise ModelError(
            f"{files.path} has no {TOKENIZER_FILES[0]}",
            hint="directories made by `textgen models export` have one",
        )
    return SentencePieceTokenizer(files.tokenizer)


def _checked(files: ModelFiles, tensors: int) -> dict[str, Any]:
    """The config, once its sizes are there and possible, and it asks for nothing we do not compute."""
    config, file, family = files.config, files.path / CONFIG, files.family
    for field in fields(resolved(family.sizes)) if family.sizes else ():
        if field.name not in config:
            raise ModelError(f"{file} lacks {field.name!r}", hint="is it complete?")
        if not _possible(value := config[field.name], field.type):
            raise ModelError(f"{file}: {field.name} cannot be {short(value)}", hint="is the file whole?")
    for name, value in family.computed.items():
        if config.get(name, value) != value:
            raise ModelError(
                f"{file}: {name} {short(config[name])} is not supported", hint=f"textgen computes {value!r}"
            )
    width, heads, layers = family.keys.width, family.keys.heads, family.keys.layers
    if width is not None and heads is not None and config[width] % config[heads]:
        raise ModelError(
            f"{file}: {heads} {config[heads]} does not divide {width} {config[width]}",
            hint="is the file whole?",
        )
    if layers is not None and config[layers] > tensors:  # before so many are made
        raise ModelError(
            f"{file}: {layers} is {config[layers]}, the weights have {tensors} tensors",
            hint="does config.json belong to these weights?",
        )
    return config


def _possible(value: object, kind: object) -> bool:
    """Whether a size of a config can be this value: true or false, a number above 0, an epsilon below 1."""
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and 0 < value <= LARGEST_SIZE
    return isinstance(value, float) and 0 < value < 1


def _fill(network: nn.Module, weights: dict[str, Tensor], files: ModelFiles) -> None:
    prefix, tied = files.family.prefix, files.family.tied
    wanted = {
        name.removeprefix(prefix): (name, tensor.shape) for name, tensor in network.state_dict().items()
    }
    given = {name: tensor for name, tensor in weights.items() if name not in tied}
    if missing := wanted.keys() - given.keys():
        raise ModelError(
            f"{files.path} lacks the tensor {min(missing)}", hint="is it a model of another kind?"
        )
    if extra := given.keys() - wanted.keys():
        raise ModelError(
            f"{files.path} has a tensor {min(extra)} that a {files.kind} model has no place for",
            hint="does config.json belong to these weights?",
        )
    for name, (_, shape) in wanted.items():
        if given[name].shape != shape:
            raise ModelError(
                f"{files.path}: {name} is {tuple(given[name].shape)}, config.json says {tuple(shape)}",
                hint="does config.json belong to these weights?",
            )
    network.load_state_dict({wanted[name][0]: tensor for name, tensor in given.items()}, assign=True)
