"""What rewrite and correct share: a text that the results are to be like."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Generic, TypeVar, cast

from textgen.backends.cgmh import FRAME, CgmhBackend, Start
from textgen.backends.locks import locked_state
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.edits import Subject
from textgen.mcmc.similarity import Similarity
from textgen.mcmc.target import Term
from textgen.models.bert import Bert
from textgen.options import NearOptions
from textgen.registry import SIMILARITY
from textgen.schema import Row
from textgen.text.blank import is_blank

N = TypeVar("N", bound=NearOptions)


class NearBackend(CgmhBackend[N], Generic[N]):
    """Starts from a text, of which `--keep` locks parts."""

    @abstractmethod
    def subject(self, text: str, ids: tuple[int, ...], options: N) -> Subject:
        """What a text's results are to be like."""

    def terms(self, options: N) -> list[tuple[float, Term]]:
        return [(options.similarity, self._similarity)] if options.similarity else []

    def label(self, options: N) -> str:
        label = super().label(options)
        more = self.loaded(SIMILARITY).label if options.similarity else label
        return label if more in label else f"{label}+{more}"

    def longest(self, options: N) -> int:
        """Most pieces that all models read."""
        longest = super().longest(options)
        if not options.similarity:
            return longest
        return min(longest, self._similar.config.max_position_embeddings - FRAME)

    def prepare(self, row: Row, options: N, on_event: OnEvent) -> Start:
        text = row.text.strip()
        if is_blank(text):
            raise DataError("the text is empty", hint="give a sentence")
        if row.keywords:
            raise DataError("the row has keywords", hint="--keep locks words of the text")
        subject = self.subject(text, tuple(self.tokenizer.encode(text)), options)
        state = locked_state(text, options.keep, self.tokenizer, subject)
        return self.start(row, state, options, options.keep)

    @cached_property
    def _similar(self) -> Bert:
        return cast(Bert, self.loaded(SIMILARITY).network)

    @cached_property
    def _similarity(self) -> Similarity:
        specials = self.tokenizer.specials
        return Similarity(self._similar, specials.cls, specials.sep)
