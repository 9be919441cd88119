"""Titles by an encoder-decoder of another make, such as a BART or a T5, from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from textgen.errors import UsageError
from textgen.models.adapters.encoder_decoder import EncoderDecoderAdapter
from textgen.models.views import FRAME
from textgen.options.train_titles import TitleTrainOptions
from textgen.store.catalog import ModelFiles
from textgen.store.load import load_model
from textgen.store.pretrained import load_foreign_tokenizer, profile_of_files
from textgen.store.save_pretrained import check_pretrained_storage
from textgen.train.data.arrays import Arrays
from textgen.train.recipes.pairs import PairRecipe, Pairs


class EncoderDecoderRecipe(PairRecipe[TitleTrainOptions]):
    """The recipe `title` where it starts from such a checkpoint.

    Args:
        options: Validated.
        files: The checkpoint.

    Raises:
        UsageError: The decoder has no room for such titles, or checkpoints are not stored so.
        ModelError: It is broken.
    """

    name: ClassVar = "title"

    def __init__(self, options: TitleTrainOptions, files: ModelFiles) -> None:
        super().__init__(options)
        check_pretrained_storage(files, options.storage)
        self.files: ModelFiles = files
        profile = profile_of_files(files)
        self.tokenizer = load_foreign_tokenizer(profile)
        room = profile.positions - len(profile.starts)
        if options.title_length > room:
            template = "{@title_length} {most} is more than the model writes"
            raise UsageError(template, most=options.title_length, room=room, hint="it writes {room} tokens")

    @property
    def source_length(self) -> int:
        return self.files.positions - FRAME

    def build(self, arrays: Arrays) -> EncoderDecoderAdapter:
        network: EncoderDecoderAdapter = load_model(self.files).network
        return network

    def config(self, network: Any) -> dict[str, Any]:
        return self.files.config

    def ways(self, epoch: int | None, example: int) -> Sequence[int]:
        return (0,)

    def logits(self, network: EncoderDecoderAdapter, batch: Pairs) -> Tensor:
        found: Tensor = network(batch.sources, batch.inputs[:, 0])[:, None]
        return found
