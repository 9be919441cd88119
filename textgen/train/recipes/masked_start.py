"""A BERT of another make as ours, so that it learns to write: its tensors as they are, its vocabulary too.

The directions of a title are told by tokens that the vocabulary keeps unused; where it keeps none, the
network gets two rows more.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import UsageError
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.empty_weights import unfilled
from textgen.models.families import BERT
from textgen.models.families.bert import Bert, BertConfig
from textgen.store.catalog import ModelFiles
from textgen.store.pretrained import profile_of_files
from textgen.store.profiles import TARGET_STARTS
from textgen.tokenizers.base import Specials

UNUSED = re.compile(r"[\[<]unused_?\d+[\]>]")
HEAD, WORDS = "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"


def is_bert(files: ModelFiles) -> bool:
    """Whether the network of a checkpoint is a BERT as textgen computes it."""
    config = files.config
    named = config.get("model_type") == BERT.name and isinstance(config.get("vocab_size"), int)
    return named and all(config.get(name, value) == value for name, value in BERT.computed.items())


def with_directions(files: ModelFiles) -> ModelFiles:
    """A checkpoint whose config says which ids a title begins behind, to the right and to the left.

    Raises:
        UsageError: It is no BERT that textgen computes.
        ModelError: It is broken.
    """
    config = files.config
    if not is_bert(files):
        kind = config.get("model_type")
        hint = "of other makes it starts from a BERT with absolute positions, or an encoder-decoder"
        raise UsageError("{@start} {name} is a {kind} network", name=files.name, kind=kind, hint=hint)
    words = profile_of_files(files).words
    unused = sorted(i for token, i in words.ids.items() if UNUSED.fullmatch(token))
    rows = config["vocab_size"]
    l2r, r2l = unused[:2] if len(unused) > 1 else (rows, rows + 1)
    return replace(files, config=config | {TARGET_STARTS: {"l2r": l2r, "r2l": r2l}})


def as_bert(adapter: MaskedAdapter, specials: Specials) -> Bert:
    """The network of a checkpoint as ours, with a row for every special token.

    Raises:
        UsageError: Its head is not its embedding.
    """
    network: Any = adapter.network
    tensors: dict[str, Tensor] = network.state_dict()
    if not torch.equal(tensors[HEAD], tensors[WORDS]):
        hint = "titles are learnt by networks in which they are one"
        raise UsageError("{@start}: the head of the network is not its embedding", hint=hint)
    config = BertConfig.from_dict(network.config.to_dict())
    with unfilled():
        bert = Bert(config)
    wanted = bert.state_dict().keys()
    bert.load_state_dict({name: tensors[name].clone() for name in wanted}, assign=True)
    if (rows := max(specials.l2r, specials.r2l) + 1) > config.vocab_size:
        _grow(bert, rows, specials.cls)
    return bert


def _grow(bert: Bert, rows: int, like: int) -> None:
    """Let a network have so many tokens; the new ones begin as another."""
    embedding, head = bert.embedding, bert.cls.predictions
    like_it = [*range(bert.vocab_size), *[like] * (rows - bert.vocab_size)]
    embedding.weight = nn.Parameter(embedding.weight.detach()[like_it])
    head.bias = nn.Parameter(head.bias.detach()[like_it])
    embedding.num_embeddings = bert.vocab_size = rows
    bert.config = replace(bert.config, vocab_size=rows)
