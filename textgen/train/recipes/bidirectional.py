"""Titles whose two directions see each other while they are written.

苏剑林, seq2seq之双向解码, https://kexue.fm/archives/6877; Zhou, Zhang & Zong 2019, https://arxiv.org/abs/1905.04847.
Trained on gold in both streams, each would be shown the second half of what it is to predict by the other.
So it is the second stage: the model of the first has written each title both ways, and where the streams
of an example see each other, one is gold and is predicted, and the other is what the model wrote itself.
That one is not predicted: beside a gold partner it would learn to say something else than its partner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from textgen.backends.title.backend import TitleBackend
from textgen.events import OnEvent
from textgen.models.families import ROFORMER_TITLE, UNILM
from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.families.unilm import UniLM
from textgen.options.title import Direction
from textgen.options.train_titles import BidirectionalTrainOptions
from textgen.store.load import load_model
from textgen.train.data.arrays import Arrays
from textgen.train.data.generated import with_generated
from textgen.train.data.noise import random_for
from textgen.train.objectives.loss import NO_TARGET
from textgen.train.recipes.pairs import Pairs
from textgen.train.recipes.title import UniLMRecipe

PSEUDO: tuple[Direction, Direction] = ("l2r", "r2l")


@dataclass(frozen=True)
class Streams(Pairs):
    """A batch whose directions see each other, but for rows where they do not.

    Attributes:
        shown: `(rows, 2)`, how many tokens of a stream the other may see.
    """

    shown: Tensor


class BidirectionalRecipe(UniLMRecipe[BidirectionalTrainOptions]):
    """The second stage of a title model."""

    name: ClassVar = "bidirectional"
    starts: ClassVar = (UNILM, ROFORMER_TITLE)
    two_way: ClassVar = True
    decode: ClassVar = "bidirectional"

    def complete(
        self, arrays: Arrays, directory: Path, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        backend = TitleBackend(load_model(self.files))

        def write(examples: Sequence[int]) -> list[dict[str, list[int]]]:
            texts = [self.tokenizer.decode(arrays.ids("source", example)) for example in examples]
            titles = [self._titles(backend, texts, way) for way in PSEUDO]
            return [dict(zip(PSEUDO, both, strict=True)) for both in zip(*titles, strict=True)]

        return with_generated(arrays, directory, PSEUDO, write, stopped, on_event)

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> Streams:
        specials = self.tokenizer.specials
        sources, inputs, targets, shown = [], [], [], []
        for example in examples:
            sources.append([specials.cls, *arrays.ids("source", example), specials.sep])
            alone, gold = self._fate(epoch, example)
            for way, first in enumerate((specials.l2r, specials.r2l)):
                title = arrays.ids("target" if alone or way == gold else PSEUDO[way], example)
                target = self.target(title, backwards=bool(way))
                fed = target[:-1]
                if epoch is not None:
                    fed = self.replaced(fed, arrays.ids("source", example), (epoch, example, way))
                inputs.append([first, *fed])
                targets.append(target if alone or way == gold else [NO_TARGET] * len(target))
                shown.append(0 if alone else len(fed) + 1)
        return Streams(*self.padded(sources, inputs, targets), shown=torch.tensor(shown).view(-1, 2))

    def logits(self, network: UniLM, batch: Pairs) -> Tensor:
        types = network.token_types(batch.inputs[:, :, 0])
        assert isinstance(batch, Streams)
        return teacher_forced(network, batch.sources, batch.inputs, types, shown=batch.shown)

    def _fate(self, epoch: int | None, example: int) -> tuple[bool, int]:
        """Whether the streams of an example are both gold and hidden from each other; else which is gold.

        In the dev file they always see each other, so that its loss is that of what will be written.
        """
        if epoch is None:
            return False, example % 2
        noise = random_for(self.options.seed, "alone", epoch, example)
        return bool(noise.random() < self.options.alone), int(noise.integers(2))

    def _titles(self, backend: TitleBackend, texts: list[str], way: Direction) -> list[list[int]]:
        options: dict[str, Any] = {"decode": "greedy", "direction": way, "keep_layout": True}
        found = backend.generate(texts, max_new_tokens=self.options.title_length + 1, **options)
        titles = [record.candidates[0].text if record.candidates else "" for record in found]
        return [self.tokenizer.encode(title) for title in titles]
