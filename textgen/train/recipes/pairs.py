"""Recipes for articles and their titles: the base classes of those that learn to write titles."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from torch import Tensor

from textgen.backends.registry import backend_class
from textgen.metrics.overlap import mean_rouge
from textgen.models.padding import padded
from textgen.options.train_titles import TitledTrainOptions, TitleTrainBase
from textgen.schema import Row
from textgen.store.load import LoadedModel
from textgen.train.data.arrays import Arrays, Example
from textgen.train.data.noise import random_for
from textgen.train.data.replacement import replaced
from textgen.train.objectives.loss import NO_TARGET, Prediction
from textgen.train.recipes.base import Recipe

O = TypeVar("O", bound=TitleTrainBase)  # noqa: E741
T = TypeVar("T", bound=TitledTrainOptions)
B = TypeVar("B")  # what a batch is


@dataclass(frozen=True)
class Pairs:
    """A batch of articles with their titles in both directions, or in one.

    Attributes:
        sources: With `<cls>` and `<sep>`.
        inputs: `(rows, ways, steps)`, what the decoder is fed left to right and right to left, each with
            its direction token first.
        targets: `(rows, ways, steps)`, what it should say, -1 behind the end.
    """

    sources: list[list[int]]
    inputs: Tensor
    targets: Tensor


class TitledRecipe(Recipe[T, B]):
    """A recipe whose examples are a source and a target without their frames."""

    needs: ClassVar = ("title", "text")
    columns: ClassVar = ("source", "target")

    @property
    @abstractmethod
    def source_length(self) -> int:
        """Most tokens of an article, its frame not counted."""

    def cache_key(self) -> dict[str, Any]:
        lengths = {"source": self.source_length, "target": self.options.title_length}
        return super().cache_key() | {"kind": "pairs"} | lengths

    def examples(self, row: Row, source: int) -> Iterable[Example]:
        article = self.tokenizer.encode(self.text(row))[: self.source_length]
        title = self.tokenizer.encode(" ".join(str((row.fields or {})["title"]).split()))
        self.cut += len(title) > self.options.title_length
        yield Example({"source": article, "target": title}, {"source": source})


class PairRecipe(TitledRecipe[O, Pairs]):
    """A recipe that learns to write the target.

    Attributes:
        decode: How titles are written for the dev file.
    """

    decode: ClassVar[str] = "greedy"

    def warning(self) -> str | None:
        template = "titles longer than {@title_length} {most}, which are cut: {cut}"
        return self.cut_warning(template, self.options.title_length)

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> Pairs:
        specials = self.tokenizer.specials
        sources, inputs, targets = [], [], []
        for example in examples:
            article, title = arrays.ids("source", example), arrays.ids("target", example)
            sources.append([specials.cls, *article, specials.sep])
            for way in self.ways(epoch, example):
                target = self.target(title, backwards=bool(way))
                fed = target[:-1]
                if epoch is not None:
                    fed = self.replaced(fed, article, (epoch, example, way))
                inputs.append([(specials.l2r, specials.r2l)[way], *fed])
                targets.append(target)
        return Pairs(*self.padded(sources, inputs, targets))

    def padded(
        self, sources: list[list[int]], inputs: list[list[int]], targets: list[list[int]]
    ) -> tuple[list[list[int]], Tensor, Tensor]:
        """The sources, and as tensors what belongs to them: as many lines for each."""
        fed, wanted = padded(inputs, filler=self.tokenizer.specials.pad), padded(targets, filler=NO_TARGET)
        shape = len(sources), -1, fed.shape[1]
        return sources, fed.view(shape), wanted.view(shape)

    def ways(self, epoch: int | None, example: int) -> Sequence[int]:
        """The directions that an example is learned in: 0 left to right, 1 right to left."""
        return (0, 1)

    def places(self, batch: Pairs) -> int:
        return int((batch.targets != NO_TARGET).sum())

    def predict(self, network: Any, batch: Pairs) -> Prediction:
        known = batch.targets != NO_TARGET
        return Prediction(self.logits(network, batch)[known], batch.targets[known])

    @abstractmethod
    def logits(self, network: Any, batch: Pairs) -> Tensor:
        """`(rows, ways, steps, vocab)`."""

    def score(self, model: LoadedModel, rows: Sequence[Row]) -> dict[str, float]:
        backend = backend_class(model.files.kind)(model)
        records = backend.generate(
            [row.text for row in rows],
            decode=self.decode,
            max_new_tokens=self.options.title_length,
            keep_layout=self.options.keep_layout,
        )
        titles = [record.candidates[0].text if record.candidates else "" for record in records]
        wanted = [str((row.fields or {})["title"]) for row in rows]
        return {"rouge-l": 100 * mean_rouge(titles, wanted).rougeL}

    def target(self, title: list[int], *, backwards: bool) -> list[int]:
        """The target: the title and its end, or as much of it as is read."""
        target = [*(title[::-1] if backwards else title), self.tokenizer.specials.eos]
        # a title that is cut is not taught to end there, nor, backwards, to begin there
        return target[: self.options.title_length] if len(title) > self.options.title_length else target

    def replaced(self, fed: list[int], article: list[int], counters: tuple[int, int, int]) -> list[int]:
        """Decoder inputs with random replacements."""
        pool = fed if self.options.replace_from == "target" else [*article, *fed]
        return replaced(fed, pool, self.options.replace, random_for(self.options.seed, "replace", *counters))
