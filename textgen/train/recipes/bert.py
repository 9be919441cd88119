"""A masked language model from passages with masked tokens; see `textgen.train.objectives.masked`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textgen.models.families import BERT
from textgen.models.families.bert import Bert
from textgen.models.families.pretrained import MASKED
from textgen.models.initialization import bert_config, padded_vocabulary
from textgen.models.views import FRAME
from textgen.options.train_texts import SIZES, BertTrainOptions
from textgen.schema import Row
from textgen.text.segment import sentences
from textgen.train.data.arrays import Arrays, Example
from textgen.train.objectives.loss import Prediction
from textgen.train.objectives.masked import MaskedBatch, Masking, masked_prediction
from textgen.train.recipes.initial_model import ScratchRecipe, check_length


class BertRecipe(ScratchRecipe[BertTrainOptions, MaskedBatch]):
    """`<cls> passage <sep>`, of whole sentences as far as they fit."""

    name: ClassVar = "bert"
    columns: ClassVar = ("text",)
    family: ClassVar = BERT
    others: ClassVar = (MASKED,)

    def __init__(self, options: BertTrainOptions) -> None:
        super().__init__(options)
        self.masking = Masking(self.tokenizer, options.mask_rate, options.seed)

    @property
    def passage_length(self) -> int:
        """Most tokens of a passage."""
        positions = self.files.positions if self.files else self.options.positions
        if "length" in self.options.model_fields_set:
            check_length("length", self.options.length, positions)
        return min(self.options.length, positions) - FRAME

    def cache_key(self) -> dict[str, Any]:
        return super().cache_key() | {"kind": "passages", "length": self.passage_length}

    def examples(self, row: Row, source: int) -> Iterator[Example]:
        most, passage = self.passage_length, list[int]()
        for sentence in sentences(self.text(row)):
            ids = self.tokenizer.encode(sentence)
            if passage and len(passage) + len(ids) > most:
                yield Example({"text": passage}, {"source": source})
                passage = []
            while len(ids) > most:
                yield Example({"text": ids[:most]}, {"source": source})
                ids = ids[most:]
            passage = [*passage, *ids]
        if passage:
            yield Example({"text": passage}, {"source": source})

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> MaskedBatch:
        passages = [arrays.ids("text", example) for example in examples]
        return self.masking.batch(passages, examples, epoch)

    def places(self, batch: MaskedBatch) -> int:
        return len(batch.targets)

    def predict(self, network: Bert, batch: MaskedBatch) -> Prediction:
        return masked_prediction(network, batch)

    def new_config(self) -> dict[str, Any]:
        size = padded_vocabulary(len(self.tokenizer.vocabulary))
        return bert_config(vocab_size=size, **self.options.model_dump(include={*SIZES}))
