"""The preprocessor of a recipe: it makes training examples of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from textgen.events import OnEvent
from textgen.messages import Message
from textgen.options.train import TrainOptions
from textgen.schema import Row
from textgen.store.catalog import TOKENIZER_FILES, ModelFiles
from textgen.store.checkpoint import tokenizer_files
from textgen.text.normalize import clean
from textgen.tokenizers.base import Tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.train.data.arrays import Arrays, Example

O = TypeVar("O", bound=TrainOptions)  # noqa: E741


class Preprocessor(ABC, Generic[O]):
    """Makes training examples of rows.

    Args:
        options: Validated.

    Attributes:
        needs: Fields that every row must have, by purpose; the option `<purpose>_field` renames one.
        columns: Columns of token ids of the examples.
        numbers: Numbers that the examples have, beside that of their source.
        files: The model that it starts from; None for random weights.
        tokenizer: Of the model that is made.
        cut: The number of rows so far of whose text only a part is trained on.
    """

    needs: ClassVar[tuple[str, ...]] = ("text",)
    columns: ClassVar[tuple[str, ...]]
    numbers: ClassVar[tuple[str, ...]] = ()
    files: ModelFiles | None = None
    tokenizer: Tokenizer

    def __init__(self, options: O) -> None:
        self.options = options
        self.cut = 0

    @property
    def foreign(self) -> bool:
        """Whether it starts from a checkpoint of another make."""
        return self.files is not None and self.files.family.loader is not None

    @property
    def tokenizer_files(self) -> Mapping[str, Path]:
        """The files of the tokenizer, by the names that they have in the model's directory."""
        if isinstance(self.tokenizer, SentencePieceTokenizer):
            return {TOKENIZER_FILES[0]: self.tokenizer.path}
        return {} if self.files is None else tokenizer_files(self.files.path)

    @abstractmethod
    def examples(self, row: Row, source: int) -> Iterable[Example]:
        """The examples that a row gives. Raises DataError where it cannot be used."""

    def remaining(self) -> Iterable[Example]:
        """The examples that are left when all rows have been seen."""
        return ()

    def warning(self) -> str | None:
        """A warning about the rows that were read, in a line."""
        return None

    def cut_warning(self, template: str, most: int) -> Message | None:
        """A warning about what was cut, if anything was; `{most}` and `{cut}` stand for numbers."""
        return Message(template, most=most, cut=f"{self.cut:,}") if self.cut else None

    def text(self, row: Row) -> str:
        """The text of a row as the model is to know it: cleaned as for generation."""
        return row.text if self.options.keep_layout else clean(row.text)

    def cache_key(self) -> dict[str, Any]:
        """All that the examples depend on beside the rows."""
        tokenizer = [str(path) for path in self.tokenizer_files.values()]
        return {"keep_layout": self.options.keep_layout, "tokenizer": tokenizer}

    def learned(self) -> dict[str, Any]:
        """Called when no row follows; gives what the rows have shown, such as the names of styles."""
        return {}

    def restore(self, learned: dict[str, Any]) -> None:
        """Take in what `learned` gave in an earlier session."""

    def complete(
        self, arrays: Arrays, directory: Path, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        """The examples with what a model must write for them first; None where that was stopped."""
        return arrays
