"""A BERT of another make as ours, so that it learns to write: its tensors as they are, its vocabulary too.

An ERNIE is a BERT whose inputs have an embedding of their task added, the same for all texts; a RoFormer has
rotary positions. The directions of a title are told by tokens that the vocabulary keeps unused; where it
keeps none, the network gets two rows more.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import UsageError
from textgen.messages import Message, with_article
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.empty_weights import unfilled
from textgen.models.families import ROFORMER_TITLE, UNILM
from textgen.models.families.bert import Bert
from textgen.models.families.unilm import encoder
from textgen.models.family import Family
from textgen.models.layers.rotary import sines
from textgen.store.catalog import ModelFiles
from textgen.store.pretrained import profile_of_files
from textgen.store.profiles import TARGET_STARTS
from textgen.tokenizers.base import Specials

UNUSED = re.compile(r"[\[<]unused_?\d+[\]>]")
# by model_type, the families of the title models that they become
HELD = {"bert": UNILM, "ernie": UNILM, "roformer": ROFORMER_TITLE}
HEAD, WORDS = "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"
# ERNIE tells tasks apart, of which texts alone are the first
TASKS, TYPES = "bert.embeddings.task_type_embeddings.weight", "bert.embeddings.token_type_embeddings.weight"
PLACES = "bert.encoder.embed_positions.weight"  # of a RoFormer
ROUNDED = 1e-3  # of what is stored in half precision
OF_TASKS = ("use_task_id", "task_type_vocab_size")


def unheld(files: ModelFiles, *families: Family) -> Message | None:
    """Why no network of these families computes what a checkpoint's does; None if one does."""
    family = HELD.get(files.config["model_type"])
    if family not in families:
        return Message("it is {kind} network", kind=with_article(files.config["model_type"]))
    if not isinstance(files.config.get("vocab_size"), int):
        return Message("{size} is missing", size="vocab_size")
    return next(family.uncomputed(files.config), None)


def check_held(files: ModelFiles, *families: Family, hint: str) -> None:
    """Refuse a checkpoint whose network none of ours is like. Raises UsageError."""
    if why := unheld(files, *families):
        raise UsageError("{@start} {name}: {why}", name=files.name, why=why, hint=hint)


def with_directions(files: ModelFiles) -> ModelFiles:
    """A checkpoint with the config of a title model, which says what begins a title, to the right and left.

    Raises:
        UsageError: No network of ours computes the same.
        ModelError: It is broken.
    """
    hint = "of other makes it starts from a BERT, ERNIE or RoFormer, or an encoder-decoder"
    check_held(files, UNILM, ROFORMER_TITLE, hint=hint)
    words = profile_of_files(files).words
    unused = sorted(i for token, i in words.ids.items() if UNUSED.fullmatch(token))
    rows = files.config["vocab_size"]
    l2r, r2l = unused[:2] if len(unused) > 1 else (rows, rows + 1)
    config = {name: value for name, value in files.config.items() if name not in OF_TASKS}
    config["model_type"] = HELD[config["model_type"]].model_type
    return replace(files, config=config | {TARGET_STARTS: {"l2r": l2r, "r2l": r2l}})


def as_bert(adapter: MaskedAdapter, specials: Specials) -> Bert:
    """The network of a checkpoint as ours, with a row for every special token.

    Raises:
        UsageError: Its head is not its embedding, or its positions are none that we compute.
    """
    network: Any = adapter.network
    trunk = f"{network.base_model_prefix}."
    tensors: dict[str, Tensor] = {
        f"bert.{name.removeprefix(trunk)}" if name.startswith(trunk) else name: tensor
        for name, tensor in network.state_dict().items()
    }
    if not torch.equal(tensors[HEAD], tensors[WORDS]):
        hint = "titles are learnt by networks in which they are one"
        raise UsageError("{@start}: the head of the network is not its embedding", hint=hint)
    places = tensors.get(PLACES)
    if places is not None and not torch.allclose(places.float(), sines(*places.shape), rtol=0, atol=ROUNDED):
        hint = "textgen computes the sines of RoFormer"
        raise UsageError("{@start}: the network has rotary positions of its own", hint=hint)
    if TASKS in tensors:
        tensors[TYPES] = tensors[TYPES] + tensors[TASKS][0]
    with unfilled():
        bert = encoder(network.config.to_dict())
    bert.load_state_dict({name: tensors[name].clone() for name in bert.state_dict()}, assign=True)
    if (rows := max(specials.l2r, specials.r2l) + 1) > bert.vocab_size:
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
