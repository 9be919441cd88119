"""Titles by a BERT under the UniLM mask, with the copy prior, in both directions.

苏剑林, 从语言模型到Seq2Seq：Transformer如戏，全靠Mask, https://kexue.fm/archives/6933, and 玩转Keras之
seq2seq自动生成标题, https://kexue.fm/archives/5861. The article is read once for both directions, whose
targets do not see each other; they carry token types 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, TypeVar, cast

import torch
from torch import Tensor, nn

from textgen.errors import UsageError
from textgen.messages import Message
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.families import BERT, ROFORMER_TITLE, UNILM
from textgen.models.families.bert import Bert
from textgen.models.families.pretrained import ENCODER_DECODER, MASKED
from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.families.unilm import UniLM
from textgen.models.family import Family
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.views import FRAME
from textgen.options.train_titles import TitleTrainBase, TitleTrainOptions
from textgen.store.catalog import ModelFiles
from textgen.store.load import load_model, tokenizer_of
from textgen.train.data.arrays import Arrays
from textgen.train.recipes.base import Recipe
from textgen.train.recipes.encoder_decoder import EncoderDecoderRecipe
from textgen.train.recipes.initial_model import find_initial_model
from textgen.train.recipes.masked_start import HELD, as_bert, unheld, with_directions
from textgen.train.recipes.pairs import PairRecipe, Pairs

TYPES = {"l2r": 1, "r2l": 2}

O = TypeVar("O", bound=TitleTrainBase)  # noqa: E741


class UniLMRecipe(PairRecipe[O]):
    """A model that is there becomes one that writes titles, or writes them better.

    Attributes:
        two_way: Whether the directions are taught to see each other.
    """

    starts: ClassVar[tuple[Family, ...]] = (BERT, UNILM, ROFORMER_TITLE)
    two_way: ClassVar[bool] = False
    still_trained: ClassVar = ("prior.", "token_type_embeddings")

    def __init__(self, options: O) -> None:
        super().__init__(options)
        self.files: ModelFiles = find_initial_model(options.start, *self.initial_families())
        if self.foreign:
            self.files = with_directions(self.files)
        self.tokenizer = tokenizer_of(self.files)

    @property
    def source_length(self) -> int:
        return source_length_beside(self.options.title_length, self.files)

    def build(self, arrays: Arrays) -> UniLM:
        network, specials = load_model(self.files).network, self.tokenizer.specials
        if isinstance(network, MaskedAdapter):
            network = as_bert(network, specials)
        types = {specials.l2r: TYPES["l2r"], specials.r2l: TYPES["r2l"]}
        if isinstance(network, UniLM):
            old = [network.target_types[specials.l2r], network.target_types[specials.r2l]]
            return UniLM(
                with_token_types(network.network, [0, *old]), network.prior, types, two_way=self.two_way
            )
        bert = with_token_types(cast(Bert, network), [0, 0, 0])
        return UniLM(bert, CopyPrior(bert.vocab_size), types, two_way=self.two_way)

    def config(self, network: UniLM) -> dict[str, Any]:
        own = {"target_types": TYPES, "two_way": self.two_way}
        return self.files.config | asdict(network.network.config) | own

    def logits(self, network: UniLM, batch: Pairs) -> Tensor:
        types = network.token_types(batch.inputs[:, :, 0])
        return teacher_forced(network, batch.sources, batch.inputs, types, interaction=False)


class TitleRecipe(UniLMRecipe[TitleTrainOptions]):
    """Articles and titles, each title both ways."""

    name: ClassVar = "title"
    starts: ClassVar = (BERT, UNILM, ROFORMER_TITLE, MASKED, ENCODER_DECODER)

    @classmethod
    def takes(cls, files: ModelFiles) -> bool:
        return super().takes(files) and (files.family is not MASKED or unheld(files, *HELD.values()) is None)

    @classmethod
    def starting(cls, options: TitleTrainOptions) -> Recipe[Any, Any]:
        files = find_initial_model(options.start, *cls.initial_families())
        return EncoderDecoderRecipe(options, files) if files.family is ENCODER_DECODER else cls(options)


def source_length_beside(title: int, files: ModelFiles) -> int:
    """Most tokens of an article beside a title of so many and one more. Raises UsageError: there are none."""
    length = files.positions - title - 1 - FRAME
    if length < 1:
        hint = Message("the model has {positions} positions", positions=files.positions)
        raise UsageError("{@title_length} {most} leaves no room for the article", most=title, hint=hint)
    return length


def with_token_types(bert: Bert, rows: list[int]) -> Bert:
    """The network with token types that begin as these of its own."""
    embeddings = bert.bert.embeddings
    embeddings.token_type_embeddings = rows_of(embeddings.token_type_embeddings, rows)
    bert.config = replace(bert.config, type_vocab_size=len(rows))
    return bert


def rows_of(table: nn.Embedding, rows: Sequence[int]) -> nn.Embedding:
    """A table of embeddings that begins as these rows of another."""
    weight = table.weight.detach()[torch.tensor(rows)].clone()
    return nn.Embedding(len(rows), table.embedding_dim, _weight=weight)
