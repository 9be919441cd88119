"""A masked language model from passages with hidden pieces; see `textgen.train.objectives.masked`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

from torch import nn

from textgen.errors import UsageError
from textgen.models.families.bert import Bert
from textgen.models.initialization import bert_config, fresh_bert, padded_vocabulary
from textgen.models.views import FRAME
from textgen.options.train_texts import BertTrainOptions
from textgen.schema import Row
from textgen.store.load import load_model
from textgen.text.segment import sentences
from textgen.train.data.arrays import Arrays, Example
from textgen.train.initial_model import Beginning
from textgen.train.objectives.loss import Prediction
from textgen.train.objectives.masked import Hidden, Masking, told_from_both_sides
from textgen.train.recipe import Recipe


class BertRecipe(Recipe[BertTrainOptions, Hidden]):
    """`<cls> passage <sep>`, of whole sentences as far as they fit."""

    name: ClassVar = "bert"
    options_class: ClassVar = BertTrainOptions
    columns: ClassVar = ("text",)

    def __init__(self, options: BertTrainOptions) -> None:
        super().__init__(options)
        self.beginning = Beginning(options, kind="bert")
        self.tokenizer = self.beginning.tokenizer
        self.masking = Masking(self.tokenizer, options.mask_rate, options.seed)

    @property
    def room(self) -> int:
        """Most pieces of a passage."""
        config = self.beginning.config
        positions = int(config["max_position_embeddings"]) if config else self.options.positions
        given = "length" in self.options.model_fields_set
        if given and self.options.length > positions:
            raise UsageError(
                f"{{@length}} {self.options.length} is more than the model reads",
                hint=f"it has {positions} positions",
            )
        return min(self.options.length, positions) - FRAME

    def shape(self) -> dict[str, Any]:
        return {
            "kind": "passages",
            "room": self.room,
            "keep_layout": self.options.keep_layout,
            "tokenizer": str(self.tokenizer.path),
        }

    def examples(self, row: Row, source: int) -> Iterator[Example]:
        room, passage = self.room, list[int]()
        for sentence in sentences(self.text(row)):
            ids = self.tokenizer.encode(sentence)
            if passage and len(passage) + len(ids) > room:
                yield Example({"text": passage}, {"source": source})
                passage = []
            while len(ids) > room:
                yield Example({"text": ids[:room]}, {"source": source})
                ids = ids[room:]
            passage = [*passage, *ids]
        if passage:
            yield Example({"text": passage}, {"source": source})

    def build(self, arrays: Arrays) -> Bert:
        if self.beginning.files is not None:
            return cast(Bert, load_model(self.beginning.files).network)
        return fresh_bert(self._config(), self.options.seed)

    def config(self, network: Bert) -> dict[str, Any]:
        return self.beginning.config or self._config()

    def embedding(self, network: Bert) -> nn.Embedding:
        return network.bert.embeddings.word_embeddings

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> Hidden:
        passages = [arrays.ids("text", example) for example in examples]
        return self.masking.batch(passages, examples, epoch)

    def places(self, batch: Hidden) -> int:
        return len(batch.targets)

    def predict(self, network: Bert, batch: Hidden) -> Prediction:
        return told_from_both_sides(network, batch)

    def _config(self) -> dict[str, Any]:
        options = self.options
        return bert_config(
            vocab_size=padded_vocabulary(len(self.tokenizer.vocabulary)),
            layers=options.layers,
            width=options.width,
            heads=options.heads,
            positions=options.positions,
        )
