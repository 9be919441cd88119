"""Loading a model: network, weights and tokenizer, checked against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from reprlib import repr as short
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.files.atomic import stamp
from textgen.messages import Message
from textgen.models.empty_weights import unfilled
from textgen.models.family import LARGEST_SIZE
from textgen.models.layers.conditional_norm import add_condition, styles_of
from textgen.models.layers.linear import Conv1D, Linear
from textgen.models.layers.rows import Matrix, OfRows, Rows, dense
from textgen.models.precision import INT8, set_precision
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel, TitleRanker
from textgen.plugins import resolved
from textgen.store.catalog import PRIOR, ModelFiles
from textgen.store.checkpoint import CONFIG, VOCABULARIES
from textgen.store.weights import read_stored
from textgen.tokenizers.base import Specials, Tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode, its tokenizer, and what a record says of it.

    Attributes:
        files: What it was loaded from.
        network: An `nn.Module` with a `vocab_size`, which offers the views of its family.
        tokenizer: Its tokenizer.
        label: Its name and the first digits of its weights' sha256.
        scripts: Those of `textgen.tokenizers.scripts` that it writes; None where its vocabulary tells.
        turns: Symbols of those who speak, of a model that answers dialogues; else none.
    """

    files: ModelFiles
    network: Any
    tokenizer: Tokenizer
    label: str
    scripts: frozenset[str] | None = None
    turns: tuple[int, ...] = ()


def load_model(files: ModelFiles, label: str | None = None) -> LoadedModel:
    """Load a model in the precision of its `files`.

    Args:
        files: The model.
        label: What records are to call it; by default it is hashed, which takes a while.

    Raises:
        ModelError: The files are broken or do not fit each other, or the family has no network.
    """
    if files.family.loader is not None:
        loaded: LoadedModel = resolved(files.family.loader)(files, label)
        return loaded
    tokenizer, weights = tokenizer_of(files), _stored(files)
    network = _network(files, len(weights), tokenizer.specials)
    for problem in _misfits(network, weights, files):
        raise problem
    _fill(network, weights, files)
    network = network.eval().requires_grad_(False).to(torch.get_default_device())
    set_precision(network, files.precision)
    check_tokens(files.path, len(tokenizer.vocabulary), network.vocab_size)
    return LoadedModel(files, network, tokenizer, label or files.label)


def tensor_problems(files: ModelFiles, specials: Specials) -> Iterator[ModelError]:
    """What is wrong with the tensors of a network of ours, one by one.

    Args:
        files: The model.
        specials: The ids of its symbols.

    Raises:
        ModelError: They cannot be read, or config.json describes no network.
    """
    weights = _stored(files)
    yield from _misfits(_network(files, len(weights), specials), weights, files)


def check_tokens(path: Path, tokens: int, rows: int, spare: int | None = None) -> None:
    """Compare a vocabulary with the matrix of its embeddings.

    Args:
        path: The model.
        tokens: The number of tokens.
        rows: The number of rows.
        spare: How many rows there may be beyond the tokens; None is any number.

    Raises:
        ModelError: They do not belong together.
    """
    if tokens > rows or (spare is not None and tokens + spare < rows):
        template = "{path}: the tokenizer has {tokens} tokens, the model {most}"
        hint = "is it the tokenizer the model was trained with?"
        raise ModelError(template, path=path, tokens=tokens, most=rows, hint=hint)


def _network(files: ModelFiles, tensors: int, specials: Specials) -> Any:
    """The network that a config.json describes, without weights."""
    family, config, file = files.family, files.config, files.path / CONFIG
    if problem := next(_problems(files, tensors), None):
        hint = "is it whole, and does it belong to these weights?"
        raise ModelError("{file}: {problem}", file=file, problem=problem, hint=hint)
    with unfilled():  # nothing is initialised: the weights are put in place as they are
        network = family.build(config, specials, file)
        if family.styles and (styles := styles_of(config, file)) is not None:
            add_condition(network, *styles)
    return network


def tokenizer_of(files: ModelFiles) -> Tokenizer:
    """The tokenizer of a model, be it of our make or of another. Raises ModelError if there is none."""
    foreign = files.tokenizer is None and any((files.path / name).is_file() for name in VOCABULARIES)
    views = LanguageModel, TitleModel, MaskedLanguageModel, TitleRanker
    if files.family.loader is not None or (foreign and any(map(files.family.offers, views))):
        found: Tokenizer = resolved("textgen.store.pretrained:tokenizer_beside")(files)
        return found
    return load_tokenizer(files)


def load_tokenizer(files: ModelFiles) -> SentencePieceTokenizer:
    """Load a model's tokenizer. Raises ModelError if there is none or it is broken."""
    if files.tokenizer is None:
        hint = "put the one that the model was trained with beside its weights"
        raise ModelError("{path} has no tokenizer.model", path=files.path, hint=hint)
    return _tokenizer(files.tokenizer, stamp(files.tokenizer))


@lru_cache(maxsize=2)
def _tokenizer(path: Path, _: tuple[int, int] | None) -> SentencePieceTokenizer:
    """The tokenizer of a file as it is now; the embedded models have one together."""
    return SentencePieceTokenizer(path)


def load_tensors(files: ModelFiles) -> dict[str, Tensor]:
    """The tensors of a model, by their names in its files. Raises ModelError if one cannot be read."""
    return {name: dense(tensor) for name, tensor in _stored(files).items()}


def _stored(files: ModelFiles) -> dict[str, Matrix]:
    """The tensors that the network takes, by their names in the files."""
    family = files.family
    tensors: dict[str, Matrix] = {}
    for file in files.weight_files:
        tensors |= read_stored(file)
    if family.prior and (files.path / PRIOR).is_file():
        tensors |= read_stored(files.path / PRIOR)
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name not in family.tied and not family.leaves(name)
    }


def _problems(files: ModelFiles, tensors: int) -> Iterator[Message]:
    """Reasons why there is no network of a config: sizes that cannot be, or what we do not compute."""
    config, family, keys = files.config, files.family, files.family.keys
    for size in fields(resolved(family.sizes)) if family.sizes else ():
        if size.name not in config:
            yield Message("{size} is missing", size=size.name)
        elif not _possible(value := config[size.name], size.type):
            yield Message("{size} cannot be {value}", size=size.name, value=short(value))
    yield from family.uncomputed(config)
    if keys.width and keys.heads and config[keys.width] % config[keys.heads]:
        template = "{heads} {parts} does not divide {width} {whole}"
        sizes = {"parts": config[keys.heads], "whole": config[keys.width]}
        yield Message(template, heads=keys.heads, width=keys.width, **sizes)
    if keys.layers and config[keys.layers] > tensors:  # before so many are made
        template = "{layers} is {count}, the weights have {tensors} tensors"
        yield Message(template, layers=keys.layers, count=config[keys.layers], tensors=tensors)


def _possible(value: object, kind: object) -> bool:
    """Whether a size of a config can be this value: true or false, a number above 0, an epsilon below 1."""
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and 0 < value <= LARGEST_SIZE
    return isinstance(value, float) and 0 < value < 1


def _fill(network: nn.Module, weights: dict[str, Matrix], files: ModelFiles) -> None:
    """Put the weights in place; those of products in int8 as the rows that they are stored in."""
    wanted = _wanted(network, files)
    placed = {wanted[name][0]: tensor for name, tensor in weights.items()}
    if files.precision == INT8:
        for name, layer in network.named_modules():
            rows = placed.get(f"{name}.weight")
            if not isinstance(layer, OfRows) or not isinstance(rows, Rows):
                continue
            layer.rows = rows
            if isinstance(layer, Linear | Conv1D):  # an embedding is looked up in, too
                del placed[f"{name}.weight"]
                layer.weight = None  # type: ignore[assignment]
    network.load_state_dict({name: dense(tensor) for name, tensor in placed.items()}, assign=True)


def _wanted(network: nn.Module, files: ModelFiles) -> dict[str, tuple[str, torch.Size]]:
    """The tensors of a network by their names in files: their names in the network, and their shapes."""
    prefix = files.family.prefix
    return {name.removeprefix(prefix): (name, tensor.shape) for name, tensor in network.state_dict().items()}


def _misfits(network: nn.Module, weights: Mapping[str, Matrix], files: ModelFiles) -> Iterator[ModelError]:
    """Differences between the tensors in a file and those of a network."""
    given = {name: tensor.shape for name, tensor in weights.items()}
    wanted = {name: shape for name, (_, shape) in _wanted(network, files).items()}
    for problem in _differences(given, wanted):
        hint = "does config.json belong to these weights?"
        yield ModelError("{path} {problem}", path=files.path, problem=problem, hint=hint)


def _differences(given: Mapping[str, torch.Size], wanted: Mapping[str, torch.Size]) -> Iterator[Message]:
    for name in sorted(wanted.keys() - given.keys()):
        yield Message("lacks the tensor {name}", name=name)
    for name in sorted(given.keys() - wanted.keys()):
        yield Message("has a tensor {name} that such a model has no place for", name=name)
    for name in sorted(wanted.keys() & given.keys()):
        if given[name] != (shape := wanted[name]):
            found, meant = str(tuple(given[name])), str(tuple(shape))
            yield Message("has {name} {found}, config.json says {meant}", name=name, found=found, meant=meant)
