"""The initial model of a training: an existing one, or a tokenizer and random weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textgen.errors import UsageError
from textgen.models.family import Family
from textgen.models.initialization import initialized
from textgen.options.train import RANDOM, TrainOptions
from textgen.resources import models_dir
from textgen.store.catalog import TOKENIZER_FILES, ModelFiles, find_model
from textgen.store.load import load_model, load_tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.train.data.arrays import Arrays
from textgen.train.recipes.base import Recipe

O = TypeVar("O", bound=TrainOptions)  # noqa: E741
B = TypeVar("B")


def find_initial_model(start: str, families: Sequence[Family], *, makes: str) -> ModelFiles:
    """The model that a recipe starts from, where it needs one.

    Args:
        start: Its name.
        families: What it may be; the first is the usual one.
        makes: What the recipe makes of it.

    Raises:
        UsageError: There is no such model, it is of another kind, or has styles.
        ModelError: It is broken.
    """
    kinds = " or ".join(family.name for family in families)
    if start == RANDOM:
        hint = f"{{@start}} {families[0].name}, or one of your own"
        raise UsageError(f"a {makes} starts from a {kinds}", hint=hint)
    files = find_model(start)
    if files.family not in families or files.config.get("styles"):
        raise UsageError(
            f"{{@start}} {start} is a {files.kind} model", hint=f"this recipe starts from a {kinds}"
        )
    return files


class ScratchRecipe(Recipe[O, B]):
    """A recipe that can start from a tokenizer and random weights, or go on with a model of its own kind.

    Attributes:
        family: Of the model.
        files: The model that it starts from; None for random weights.

    Raises:
        UsageError: There is no such model, or it is of another kind.
        ModelError: It is broken.
    """

    family: ClassVar[Family]

    def __init__(self, options: O) -> None:
        super().__init__(options)
        self.files = None if options.start == RANDOM else find_model(options.start)
        if self.files and self.files.family != self.family:
            raise UsageError(
                f"{{@start}} {options.start} is a {self.files.kind} model",
                hint=f"this recipe makes a {self.family.name} model",
            )
        self.tokenizer = load_tokenizer(self.files) if self.files else _tokenizer(options.tokenizer)

    @abstractmethod
    def new_config(self) -> dict[str, Any]:
        """The content of `config.json` of a new network."""

    def build(self, arrays: Arrays) -> Any:
        if self.files:
            return load_model(self.files).network
        return initialized(self.family, self.new_config(), self.options.seed)

    def config(self, network: Any) -> dict[str, Any]:
        return self.files.config if self.files else self.new_config()


def _tokenizer(name: str | None) -> SentencePieceTokenizer:
    if name is None:
        embedded = models_dir() / "gpt2" / TOKENIZER_FILES[1]
        return SentencePieceTokenizer(embedded.resolve())
    if Path(name).is_file():
        return SentencePieceTokenizer(Path(name))
    if (Path(name) / TOKENIZER_FILES[0]).is_file():  # a tokenizer that was trained has no weights
        return SentencePieceTokenizer(Path(name) / TOKENIZER_FILES[0])
    return load_tokenizer(find_model(name))
