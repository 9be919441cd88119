"""The base class of recipes, each of which trains one kind of model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from textgen.models.adapters.divided import Divided
from textgen.models.family import Family
from textgen.options.train import TrainOptions
from textgen.schema import Row
from textgen.store.catalog import TOKENIZER_FILES, ModelFiles, family_in
from textgen.store.load import LoadedModel
from textgen.store.save import save_model
from textgen.store.save_pretrained import save_pretrained
from textgen.train.data.arrays import Arrays
from textgen.train.data.preprocessor import Preprocessor
from textgen.train.objectives.loss import Prediction, cross_entropy

O = TypeVar("O", bound=TrainOptions)  # noqa: E741
B = TypeVar("B")  # a batch


class Recipe(Preprocessor[O], Generic[O, B]):
    """The training of one kind of model.

    Args:
        options: Validated.

    Attributes:
        name: Its name on the command line.
        starts: Families of models that it may start from.
        figures: The names of the figures that `dev_sums` gives.
        still_trained: Parts of names of parameters that are trained beside adapters.
    """

    name: ClassVar[str]
    starts: ClassVar[tuple[Family, ...]] = ()
    figures: ClassVar[tuple[str, ...]] = ("loss",)
    still_trained: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def initial_families(cls) -> tuple[Family, ...]:
        """The families of models that it may start from."""
        return cls.starts

    def rate_factor(self, name: str) -> float:
        """The factor of a parameter's learning rate."""
        return 1.0

    @abstractmethod
    def build(self, arrays: Arrays) -> nn.Module:
        """The network, ready to be trained on these examples."""

    @classmethod
    def takes(cls, files: ModelFiles) -> bool:
        """Whether it can start from a model."""
        return files.family in cls.initial_families()

    @classmethod
    def starting(cls, options: O) -> Recipe[Any, Any]:
        """The recipe for options: one of its own for some models to start from. Raises as the recipe does."""
        return cls(options)

    def save(self, directory: Path, network: nn.Module) -> None:
        """Write the network as a model directory; one of transformers as the checkpoint that it was.

        Raises:
            ModelError: A value does not fit the storage, or a file of the tokenizer cannot be read.
            TextgenError: The directory cannot be written.
        """
        storage = self.options.storage
        if isinstance(network, Divided) and self.files is not None:
            save_pretrained(directory, network.network, self.files, storage=storage)
        else:
            save_model(directory, network, self.config(network), self.tokenizer_files, storage=storage)

    def loaded(self, directory: Path, network: nn.Module) -> LoadedModel:
        """The network as it would be loaded from its directory."""
        config = self.config(network)
        kept = isinstance(network, Divided) and self.files is not None
        family = self.files.family if kept and self.files else family_in(directory, config)
        name, own = directory.name, self.tokenizer_files.get(TOKENIZER_FILES[0])
        files = ModelFiles(name, directory, family, config, own, embedded=False)
        return LoadedModel(files, network, self.tokenizer, name)

    @abstractmethod
    def config(self, network: Any) -> dict[str, Any]:
        """The content of the network's `config.json`."""

    def embedding(self, network: Any) -> nn.Embedding:
        """The table of its token embeddings."""
        found: nn.Embedding = network.embedding
        return found

    @abstractmethod
    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> B:
        """Some examples, with what is drawn for them in an epoch; None is the dev file's, which is fixed."""

    @abstractmethod
    def places(self, batch: B) -> int:
        """The number of predictions of a batch, over which the loss is the mean."""

    @abstractmethod
    def predict(self, network: Any, batch: B) -> Prediction:
        """The network's prediction for a batch."""

    def loss(self, network: Any, batch: B, smoothing: float = 0.0) -> tuple[Tensor, Prediction]:
        """Sum of the loss over the places of a batch, and the prediction it is of."""
        prediction = self.predict(network, batch)
        return cross_entropy(prediction, smoothing), prediction

    def dev_sums(self, network: Any, batch: B) -> Tensor:
        """Figures of a batch of the dev file, `(figures, 2)`: sums, and what they are to be divided by."""
        loss, _ = self.loss(network, batch)
        return torch.stack([loss.double(), torch.tensor(self.places(batch), dtype=torch.float64)])[None]

    def score(self, model: LoadedModel, rows: Sequence[Row]) -> dict[str, float]:
        """Figures, as of `textgen eval`, of what the trained model writes for rows of the dev file."""
        return {}
