"""The model that is checked; what of it cannot be had raises, wherever it is wanted."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from textgen.models.families.pretrained import LOADER
from textgen.store.catalog import ModelFiles
from textgen.store.checkpoint import Checkpoint
from textgen.store.load import load_tokenizer
from textgen.store.pretrained import load_foreign_tokenizer
from textgen.store.profiles import Profile, profile_of
from textgen.store.vocabularies import Words, read_vocabulary
from textgen.tokenizers.base import Tokenizer


class Subject:
    """A model whose parts are read when they are asked for. What is broken raises ModelError then.

    Args:
        files: Its files.

    Attributes:
        checkpoint: Its small files.
        rows: The rows of the matrix of its embeddings, as far as is known.
        backend: What writes with it, once it is loaded.
    """

    def __init__(self, files: ModelFiles) -> None:
        self.files = files
        self.checkpoint = Checkpoint(files.path, files.config)
        self.rows: int | None = files.config.get("vocab_size")
        self.backend: Any = None

    @property
    def foreign(self) -> bool:
        """Whether its network is one of transformers."""
        return self.files.family.loader == LOADER

    @property
    def known(self) -> bool:
        """Whether textgen loads it; else another package does, by ways of its own."""
        return self.foreign or (self.files.family.loader is None and bool(self.files.family.views))

    @property
    def profiled(self) -> bool:
        """Whether its vocabulary is of another make."""
        return self.foreign or self.files.tokenizer is None

    @cached_property
    def words(self) -> Words:
        """Its vocabulary, of another make."""
        return read_vocabulary(self.checkpoint)

    @cached_property
    def profile(self) -> Profile:
        """How a vocabulary of another make is used."""
        return profile_of(self.checkpoint, self.words, self.files.family)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer."""
        return load_foreign_tokenizer(self.profile) if self.profiled else load_tokenizer(self.files)
