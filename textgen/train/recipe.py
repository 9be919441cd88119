"""What a recipe says: what is learned from a row, what a batch is, and what the network predicts of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from textgen.events import OnEvent
from textgen.options.train import TrainOptions
from textgen.schema import Row
from textgen.store.load import LoadedModel
from textgen.text.normalize import clean
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.train.data.arrays import Arrays, Example
from textgen.train.objectives.loss import Prediction, cross_entropy

O = TypeVar("O", bound=TrainOptions)  # noqa: E741
B = TypeVar("B")  # what a batch is


class Recipe(ABC, Generic[O, B]):
    """How one kind of model is trained.

    Args:
        options: Validated.

    Attributes:
        name: What the command line calls it.
        options_class: The class of its options.
        needs: Fields that every row must have, by what they are; the option `<what>_field` renames one.
        columns: Columns of ids of its examples.
        numbers: Numbers that its examples have, beside that of their source.
        figures: What `dev_sums` tells of.
        still_trained: Parts of names of parameters that are trained beside adapters.
        tokenizer: Of the model that is made.
        cut: Of the rows that were read, how many have a text that is trained on in part only.
    """

    name: ClassVar[str]
    options_class: ClassVar[type[TrainOptions]]
    needs: ClassVar[tuple[str, ...]] = ("text",)
    columns: ClassVar[tuple[str, ...]]
    numbers: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[str, ...]] = ("loss",)
    still_trained: ClassVar[tuple[str, ...]] = ()
    tokenizer: SentencePieceTokenizer

    def __init__(self, options: O) -> None:
        self.options = options
        self.cut = 0

    @abstractmethod
    def examples(self, row: Row, source: int) -> Iterable[Example]:
        """What is learned from a row. Raises DataError where it cannot be used."""

    def rest(self) -> Iterable[Example]:
        """What is left when all rows have been seen."""
        return ()

    def remark(self) -> str | None:
        """What a user may not expect of the rows that were read, in a line."""
        return None

    def text(self, row: Row) -> str:
        """The text of a row as the model is to know it: cleaned as for generation."""
        return row.text if self.options.keep_layout else clean(row.text)

    @abstractmethod
    def shape(self) -> dict[str, Any]:
        """What the examples depend on beside the rows."""

    def all_read(self) -> dict[str, Any]:
        """Told that no row follows: what they have taught, such as the names of styles, for `recall`."""
        return {}

    def recall(self, learned: dict[str, Any]) -> None:
        """Take in what was learned when the rows were read in an earlier session."""

    def pace(self, name: str) -> float:
        """What the learning rate of a parameter is multiplied by."""
        return 1.0

    def complete(
        self, arrays: Arrays, directory: Path, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        """The examples with what a model must write for them first; None where that was stopped."""
        return arrays

    @abstractmethod
    def build(self, arrays: Arrays) -> nn.Module:
        """The network, ready to be trained on these examples."""

    @abstractmethod
    def config(self, network: Any) -> dict[str, Any]:
        """What `config.json` says of the network."""

    @abstractmethod
    def embedding(self, network: Any) -> nn.Embedding:
        """The table of its pieces."""

    @abstractmethod
    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> B:
        """Some examples, with what is drawn for them in an epoch; None is the dev file's, which is fixed."""

    @abstractmethod
    def places(self, batch: B) -> int:
        """How many predictions a batch asks for: what the loss is the mean of."""

    @abstractmethod
    def predict(self, network: Any, batch: B) -> Prediction:
        """What the network says of a batch."""

    def loss(self, network: Any, batch: B) -> tuple[Tensor, Prediction]:
        """Sum of the loss over the places of a batch, and the prediction it is of."""
        prediction = self.predict(network, batch)
        return cross_entropy(prediction, self.options.label_smoothing), prediction

    def plain_loss(self, network: Any, batch: B) -> Tensor:
        """The same of the dev file: cross entropy alone."""
        return cross_entropy(self.predict(network, batch))

    def dev_sums(self, network: Any, batch: B) -> Tensor:
        """Figures of a batch of the dev file, `(figures, 2)`: sums, and what they are to be divided by."""
        loss = self.plain_loss(network, batch)
        return torch.stack([loss.double(), torch.tensor(self.places(batch), dtype=torch.float64)])[None]

    def score(self, model: LoadedModel, rows: Sequence[Row]) -> dict[str, float]:
        """What the model that is trained writes for rows of the dev file, in figures of `textgen eval`."""
        return {}
