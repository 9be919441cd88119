"""The initial model of a training: an existing one, or a tokenizer and fresh weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textgen.errors import UsageError
from textgen.models.family import Family
from textgen.options.train import RANDOM, TrainOptions
from textgen.resources import models_dir
from textgen.store.catalog import TOKENIZER_FILES, ModelFiles, find_model
from textgen.store.load import load_tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer


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
            f"{{@start}} {start} is a {files.kind} model",
            hint=f"this recipe starts from a {kinds}",
        )
    return files


class InitialModel:
    """The model or the tokenizer that a recipe starts from.

    Args:
        options: Its `start` and `tokenizer`.
        family: What the model must be.

    Attributes:
        files: The model; None for fresh weights.
        config: Its `config.json`; empty for fresh weights.
        tokenizer: The model's, or the one that fresh weights get.

    Raises:
        UsageError: There is no such model, or it is of another kind.
        ModelError: It is broken.
    """

    def __init__(self, options: TrainOptions, *, family: Family) -> None:
        self.files: ModelFiles | None = None
        self.config: dict[str, Any] = {}
        if options.start == RANDOM:
            self.tokenizer = _tokenizer(options.tokenizer)
            return
        self.files = find_model(options.start)
        if self.files.family != family:
            raise UsageError(
                f"{{@start}} {options.start} is a {self.files.kind} model",
                hint=f"this recipe makes a {family.name} model",
            )
        self.config = self.files.config
        self.tokenizer = load_tokenizer(self.files)


def _tokenizer(name: str | None) -> SentencePieceTokenizer:
    if name is None:
        embedded = models_dir() / "gpt2" / TOKENIZER_FILES[1]
        return SentencePieceTokenizer(embedded.resolve())
    if Path(name).is_file():
        return SentencePieceTokenizer(Path(name))
    if (Path(name) / TOKENIZER_FILES[0]).is_file():  # a tokenizer that was trained has no weights
        return SentencePieceTokenizer(Path(name) / TOKENIZER_FILES[0])
    return load_tokenizer(find_model(name))
