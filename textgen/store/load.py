"""A model from its files: network, weights and tokenizer, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, fields
from reprlib import repr as short
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.empty_weights import unfilled
from textgen.models.families.bert import Bert, BertConfig, Trunk
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.models.families.rnn_title import RnnTitle, RnnTitleConfig
from textgen.models.families.title_scorer import TYPES, TitleScorer
from textgen.models.families.unilm import UniLM
from textgen.models.layers.conditional_norm import add_condition, styles_of
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.views import LARGEST_SIZE
from textgen.store.catalog import PRIOR, SCORER, TOKENIZER_FILES, ModelFiles
from textgen.store.weights import read_weights
from textgen.tokenizers.base import Specials
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

N = TypeVar("N", bound=nn.Module)
DEFAULT_TARGET_TYPES = {"l2r": 1, "r2l": 1}
# what our forwards do; a checkpoint that wants something else would be computed wrong
IMPLEMENTED: dict[str, dict[str, Any]] = {
    "bert": {"hidden_act": "gelu", "position_embedding_type": "absolute"},
    "gpt2": {
        "activation_function": "gelu_new",
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
    },
    "rnn-title": {},
}
# the class of the sizes, and which of them are the width, the heads that share it, and the layers; kinds that
# are not here have BERT's
CONFIGS: dict[str, tuple[type, str, str, str | None]] = {
    "bert": (BertConfig, "hidden_size", "num_attention_heads", "num_hidden_layers"),
    "gpt2": (Gpt2Config, "n_embd", "n_head", "n_layer"),
    "rnn-title": (RnnTitleConfig, "hidden_size", "num_heads", None),
}
# tied to other tensors in our networks, present in some people's files
TIED = ("lm_head.weight", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias")


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode, its tokenizer, and what a record says of it."""

    files: ModelFiles
    network: Bert | Gpt2 | UniLM | RnnTitle | TitleScorer
    tokenizer: SentencePieceTokenizer
    label: str


def load_model(files: ModelFiles) -> LoadedModel:
    """Load a model in float32.

    Raises:
        ModelError: The files are broken or do not fit each other.
    """
    tokenizer = load_tokenizer(files)
    weights = read_weights(files.weights)
    network = _network(files, weights, tokenizer).eval().requires_grad_(False).to(torch.get_default_device())
    if len(tokenizer.vocabulary) > network.vocab_size:
        raise ModelError(
            f"{files.path}: the tokenizer has {len(tokenizer.vocabulary)} pieces, "
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


def _network(
    files: ModelFiles, weights: dict[str, Tensor], tokenizer: SentencePieceTokenizer
) -> Bert | Gpt2 | UniLM | RnnTitle | TitleScorer:
    config = _checked(files, len(weights))
    # nothing is initialised: the weights are put in place as they are
    with unfilled():
        if files.kind == "gpt2":
            return _filled(_styled(Gpt2(Gpt2Config.from_dict(config)), files), weights, files)
        if files.kind == "rnn-title":
            return _filled(RnnTitle(RnnTitleConfig.from_dict(config)), weights, files)
        if files.kind == SCORER:
            sizes = _told_apart(BertConfig.from_dict(config), files)
            return _filled(TitleScorer(Trunk(sizes), sizes), weights, files)
        bert = Bert(BertConfig.from_dict(config))
        prior = nn.ModuleDict({"prior": CopyPrior(bert.vocab_size)})
    if files.kind == "bert":
        return _filled(_styled(bert, files), weights, files)
    if (files.path / PRIOR).is_file():
        weights |= read_weights(files.path / PRIOR)
    of_prior = {name: weights.pop(name) for name in prior.state_dict() if name in weights}
    target_types = _target_types(files, tokenizer.specials)
    filled = _filled(prior, of_prior, files)["prior"]
    two_way = files.config.get("two_way")
    if two_way is not None and not isinstance(two_way, bool):
        raise ModelError(
            f"{files.path}/config.json: two_way cannot be {short(two_way)}", hint="true or false"
        )
    return UniLM(_filled(bert, weights, files), cast(CopyPrior, filled), target_types, two_way=two_way)


def _styled(network: N, files: ModelFiles) -> N:
    """The network, its norms made conditional if config.json names styles."""
    if (found := styles_of(files.config, files.path / "config.json")) is not None:
        add_condition(network, *found)
    return network


def _checked(files: ModelFiles, tensors: int) -> dict[str, Any]:
    """The config, once its sizes are there and possible, and it asks for nothing we do not compute."""
    config, file = files.config, files.path / "config.json"
    kind = files.kind if files.kind in CONFIGS else "bert"
    sizes, width, heads, layers = CONFIGS[kind]
    for field in fields(sizes):
        if field.name not in config:
            raise ModelError(f"{file} lacks {field.name!r}", hint="is it complete?")
        if not _possible(value := config[field.name], field.type):
            raise ModelError(f"{file}: {field.name} cannot be {short(value)}", hint="is the file whole?")
    for name, value in IMPLEMENTED[kind].items():
        if config.get(name, value) != value:
            raise ModelError(
                f"{file}: {name} {short(config[name])} is not supported", hint=f"textgen computes {value!r}"
            )
    if config[width] % config[heads]:
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


def _told_apart(sizes: BertConfig, files: ModelFiles) -> BertConfig:
    """The sizes of a scorer, which tells article and title apart by their token types."""
    if sizes.type_vocab_size < TYPES:
        raise ModelError(
            f"{files.path}/config.json: type_vocab_size cannot be {sizes.type_vocab_size}",
            hint=f"a {SCORER} has {TYPES} token types",
        )
    return sizes


def _possible(value: object, kind: object) -> bool:
    """Whether a size of a config can be this value: true or false, a number above 0, an epsilon below 1."""
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and 0 < value <= LARGEST_SIZE
    return isinstance(value, float) and 0 < value < 1


def _target_types(files: ModelFiles, specials: Specials) -> dict[int, int]:
    given, known = files.config["target_types"], range(files.config["type_vocab_size"])
    types = DEFAULT_TARGET_TYPES | (given if isinstance(given, dict) else {})
    if not isinstance(given, dict) or not all(type(kind) is int and kind in known for kind in types.values()):
        raise ModelError(
            f"{files.path}/config.json: target_types cannot be {short(given)}",
            hint=f'it is like {{"l2r": 1, "r2l": 1}}, each below type_vocab_size ({len(known)})',
        )
    return {specials.l2r: types["l2r"], specials.r2l: types["r2l"]}


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
