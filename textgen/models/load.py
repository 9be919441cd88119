"""A model from its files: network, weights and tokenizer, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.bert import Bert, BertConfig
from textgen.models.catalog import PRIOR, ModelFiles, fingerprint
from textgen.models.copy_prior import CopyPrior
from textgen.models.gpt2 import Gpt2, Gpt2Config
from textgen.models.storage import read_weights
from textgen.models.unilm import UniLM
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

N = TypeVar("N", bound=nn.Module)
DEFAULT_TARGET_TYPES = {"l2r": 1, "r2l": 1}
# tied to other tensors in our networks, present in some people's files
TIED = ("lm_head.weight", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias")


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode, its tokenizer, and what a record says of it."""

    files: ModelFiles
    network: Bert | Gpt2 | UniLM
    tokenizer: SentencePieceTokenizer
    label: str


def load_model(files: ModelFiles) -> LoadedModel:
    """Load a model in float32.

    Raises:
        ModelError: The files are broken or do not fit each other.
    """
    tokenizer = SentencePieceTokenizer(files.tokenizer)
    weights = read_weights(files.weights)
    network = _network(files, weights, tokenizer).eval().requires_grad_(False)
    if len(tokenizer.vocabulary) > network.vocab_size:
        raise ModelError(
            f"{files.path}: the tokenizer has {len(tokenizer.vocabulary)} pieces, the model {network.vocab_size}",
            hint="is it the tokenizer the model was trained with?",
        )
    label = f"{files.path.name if not files.embedded else files.name}@sha256:{fingerprint(files.weights)}"
    return LoadedModel(files, network, tokenizer, label)


def _network(
    files: ModelFiles, weights: dict[str, Tensor], tokenizer: SentencePieceTokenizer
) -> Bert | Gpt2 | UniLM:
    # on the meta device nothing is initialised: the weights are put in place as they are
    with torch.device("meta"):
        try:
            if files.kind == "gpt2":
                return _filled(Gpt2(Gpt2Config.from_dict(files.config)), weights, files)
            bert = Bert(BertConfig.from_dict(files.config))
        except (KeyError, TypeError) as error:
            raise ModelError(f"{files.path}/config.json lacks {error}", hint="is it complete?") from None
        prior = CopyPrior(bert.vocab_size)
    if files.kind == "bert":
        return _filled(bert, weights, files)
    if (files.path / PRIOR).is_file():
        weights |= read_weights(files.path / PRIOR)
    of_prior = {name: weights.pop(f"prior.{name}") for name in ("a", "t") if f"prior.{name}" in weights}
    specials = tokenizer.specials
    types = DEFAULT_TARGET_TYPES | dict(files.config["target_types"])
    target_types = {specials.l2r: types["l2r"], specials.r2l: types["r2l"]}
    return UniLM(_filled(bert, weights, files), _filled(prior, of_prior, files), target_types)


def _filled(network: N, weights: dict[str, Tensor], files: ModelFiles) -> N:
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    given = {name: tensor for name, tensor in weights.items() if name not in TIED}
    if missing := wanted.keys() - given.keys():
        raise ModelError(
            f"{files.path} lacks the tensor {min(missing)}", hint="is it a model of another kind?"
        )
    if extra := given.keys() - wanted.keys():
        raise ModelError(
            f"{files.path} has a tensor {min(extra)} that a {files.kind} model has no place for",
            hint="does config.json belong to these weights?",
        )
    for name, shape in wanted.items():
        if given[name].shape != shape:
            raise ModelError(
                f"{files.path}: {name} is {tuple(given[name].shape)}, config.json says {tuple(shape)}",
                hint="does config.json belong to these weights?",
            )
    network.load_state_dict(given, assign=True)
    return network
