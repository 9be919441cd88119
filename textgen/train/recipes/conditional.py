"""A gpt2 or bert that writes in styles, by conditional layer normalisation.

苏剑林, 基于Conditional Layer Normalization的条件文本生成, https://kexue.fm/archives/7124. The styles are the
labels of the rows. A share of the examples has its style hidden, so that the model knows what no style in
particular is: that is what it writes without one, and what classifier-free guidance leads away from (Ho &
Salimans 2022, https://arxiv.org/abs/2207.12598).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from textgen.errors import DataError, UsageError
from textgen.messages import Message
from textgen.models.families import OWN, installed
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.family import Family
from textgen.models.layers.conditional_norm import add_condition, in_style
from textgen.models.views import FRAME, LanguageModel
from textgen.options.train_texts import ConditionalTrainOptions
from textgen.schema import Row
from textgen.store.catalog import ModelFiles
from textgen.store.load import load_model, load_tokenizer
from textgen.text.names import clean_name
from textgen.train.data.arrays import Arrays, Example
from textgen.train.data.noise import random_for
from textgen.train.objectives.causal import CausalBatch, CausalBatches, causal_prediction
from textgen.train.objectives.loss import Prediction
from textgen.train.objectives.masked import MaskedBatch, Masking
from textgen.train.recipes.base import Recipe
from textgen.train.recipes.initial_model import check_length, find_initial_model

OF_STYLES = ("condition.", ".gain", ".shift")


@dataclass(frozen=True)
class Styled:
    """A batch of texts with their styles.

    Attributes:
        texts: What a gpt2 or a bert is asked.
        styles: `(rows,)`.
    """

    texts: CausalBatch | MaskedBatch
    styles: Tensor


class ConditionalRecipe(Recipe[ConditionalTrainOptions, Styled]):
    """One text an example, cut where it is too long."""

    name: ClassVar = "conditional"
    needs: ClassVar = ("text", "label")
    columns: ClassVar = ("text",)
    numbers: ClassVar = ("style",)
    still_trained: ClassVar = OF_STYLES

    @classmethod
    def initial_families(cls) -> tuple[Family, ...]:
        return tuple(family for family in (*OWN.values(), *installed().values()) if family.styles)

    def __init__(self, options: ConditionalTrainOptions) -> None:
        super().__init__(options)
        self.files: ModelFiles = find_initial_model(options.start, *self.initial_families())
        if "replace" in options.model_fields_set and not self._causal:
            raise UsageError("{@replace} is for what a gpt2 is fed, not for a bert", hint="leave it out")
        if "mask_rate" in options.model_fields_set and self._causal:
            raise UsageError("{@mask_rate} is for a bert, not for a gpt2", hint="leave it out")
        if "length" in options.model_fields_set:
            check_length("length", options.length, self.files.positions)
        self.tokenizer = load_tokenizer(self.files)
        self.masking = Masking(self.tokenizer, options.mask_rate, options.seed)
        self.causal = CausalBatches(self.tokenizer.specials, options.replace, options.seed)
        self.styles: list[str] = []
        self._known = False

    def cache_key(self) -> dict[str, Any]:
        return super().cache_key() | {"kind": "styled", "length": self._text_length}

    def examples(self, row: Row, source: int) -> Iterable[Example]:
        style = clean_name(str((row.fields or {})["label"]))
        if style not in self.styles:
            if self._known:
                hint = Message("the training files have {known}", known=self.styles[:10])
                template = "the label {label} is in no row that is trained on"
                raise DataError(template, label=repr(style), hint=hint)
            self.styles.append(style)
        ids = self.tokenizer.encode(self.text(row))
        self.cut += len(ids) > self._text_length
        # what was cut is not taught to end there
        end = [self.tokenizer.specials.eos] if len(ids) <= self._text_length else []
        yield Example(
            {"text": [*ids[: self._text_length], *end]}, {"style": self.styles.index(style), "source": source}
        )

    def warning(self) -> str | None:
        template = "texts longer than {@length} {most}, which are cut: {cut}"
        return self.cut_warning(template, self._text_length + FRAME)

    def learned(self) -> dict[str, Any]:
        self._known = True  # rows of the dev file have no others
        return {"styles": self.styles}

    def restore(self, learned: dict[str, Any]) -> None:
        if not self._known:
            self.styles, self._known = list(learned["styles"]), True

    def build(self, arrays: Arrays) -> nn.Module:
        network: nn.Module = load_model(self.files).network
        add_condition(network, self.styles, self.options.condition_size, self.options.seed)
        return network

    def config(self, network: Any) -> dict[str, Any]:
        return self.files.config | {"styles": self.styles, "condition_size": self.options.condition_size}

    def rate_factor(self, name: str) -> float:
        return self.options.condition_pace if any(part in name for part in OF_STYLES) else 1.0

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> Styled:
        rows = [arrays.ids("text", example) for example in examples]
        styles = torch.tensor([self._style(arrays, example, epoch) for example in examples])
        specials = self.tokenizer.specials
        if self._causal:
            whole = [[specials.bos, *row] for row in rows]
            return Styled(self.causal.batch(whole, examples, epoch), styles)
        passages = [[i for i in row if i != specials.eos] for row in rows]
        return Styled(self.masking.batch(passages, examples, epoch), styles)

    def places(self, batch: Styled) -> int:
        if isinstance(batch.texts, MaskedBatch):
            return len(batch.texts.targets)
        return batch.texts.places

    def predict(self, network: Gpt2 | Bert, batch: Styled) -> Prediction:
        texts = batch.texts
        if not isinstance(texts, MaskedBatch):
            return causal_prediction(in_style(cast(Gpt2, network), batch.styles), texts)
        bert = cast(Bert, network)
        states = in_style(bert, batch.styles).encode(texts.ids, texts.lengths)
        # the head sees single places, each in the style of its row
        head = in_style(bert, batch.styles[texts.asked.nonzero()[:, 0]])
        return Prediction(head.logits(states[texts.asked]), texts.targets)

    @property
    def _causal(self) -> bool:
        """Whether the model predicts from the left; else from both sides."""
        return self.files.family.offers(LanguageModel)

    @property
    def _text_length(self) -> int:
        return min(self.options.length, self.files.positions) - FRAME

    def _style(self, arrays: Arrays, example: int, epoch: int | None) -> int:
        seed, share = self.options.seed, self.options.null_share
        if epoch is not None and random_for(seed, "style", epoch, example).random() < share:
            return len(self.styles)  # the null style
        return arrays.number("style", example)
