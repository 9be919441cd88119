"""The initial model of a training: an existing one, or a tokenizer and random weights."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textgen.errors import UsageError
from textgen.messages import Message, option, with_article
from textgen.models.families import GPT2
from textgen.models.family import Family
from textgen.models.initialization import initialized
from textgen.options.train import RANDOM, TrainOptions
from textgen.store.catalog import TOKENIZER_FILES, ModelFiles, find_model
from textgen.store.load import load_model, load_tokenizer, tokenizer_of
from textgen.store.save_pretrained import check_pretrained_storage
from textgen.tokenizers.base import Tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.train.data.arrays import Arrays
from textgen.train.recipes.base import Recipe

O = TypeVar("O", bound=TrainOptions)  # noqa: E741
B = TypeVar("B")


def find_initial_model(start: str, *families: Family, styled: bool = False) -> ModelFiles:
    """The model that a recipe starts from.

    Args:
        start: Its name.
        *families: What it may be; the first is the usual one.
        styled: Whether it may have styles.

    Raises:
        UsageError: There is no such model, it is of another kind, or has styles.
        ModelError: It is broken.
    """
    kinds, usual = " or ".join(family.name for family in families), families[0].name
    if start == RANDOM:
        hint = "{@start} {usual}, or one of your own"
        raise UsageError("this recipe starts from a {kinds}", kinds=kinds, usual=usual, hint=hint)
    files = find_model(start)
    if files.family not in families:
        hint, kind = Message("this recipe starts from a {kinds}", kinds=kinds), with_article(files.kind)
        raise UsageError("{@start} {name} is {kind} model", name=start, kind=kind, hint=hint)
    if files.config.get("styles") and not styled:
        hint = "start from what it was made from"
        raise UsageError("{@start} {name} has styles already", name=start, hint=hint)
    return files


def check_length(name: str, length: int, most: int) -> None:
    """Refuse an option that asks for more tokens than a model reads. Raises UsageError."""
    if length > most:
        hint, value = "it reads {most} tokens", option(name)
        template = "{option} {length} is more than the model reads"
        raise UsageError(template, option=value, length=length, most=most, hint=hint)


class ScratchRecipe(Recipe[O, B]):
    """A recipe that can start from a tokenizer and random weights, or go on with a model of its own kind.

    Attributes:
        family: Of the model.
        others: Families of other makes that it can go on with, too.

    Raises:
        UsageError: There is no such model, it is of another kind, or would not be stored as is asked for.
        ModelError: It is broken.
    """

    family: ClassVar[Family]
    others: ClassVar[tuple[Family, ...]] = ()

    @classmethod
    def initial_families(cls) -> tuple[Family, ...]:
        return (cls.family, *cls.others)

    def __init__(self, options: O) -> None:
        super().__init__(options)
        if options.start == RANDOM:
            self.tokenizer: Tokenizer = _tokenizer(options.tokenizer)
            return
        self.files = find_initial_model(options.start, *self.initial_families(), styled=True)
        if self.files.family.loader is not None:
            check_pretrained_storage(self.files, options.storage)
        self.tokenizer = tokenizer_of(self.files)

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
    for path in (Path(name), Path(name) / TOKENIZER_FILES[0]) if name else ():
        if path.is_file():  # a tokenizer that was trained has no weights
            return SentencePieceTokenizer(path)
    return load_tokenizer(find_model(name or GPT2.name))
