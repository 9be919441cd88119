"""The base of rewrite and correct, whose results are to be like a source text."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Generic, TypeVar

from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.locks import anchors, locked_state
from textgen.commands import SIMILARITY
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import State, Subject
from textgen.mcmc.cgmh.similarity import Similarity
from textgen.mcmc.cgmh.target import Term
from textgen.models.views import FRAME
from textgen.options import SourceOptions
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.diff import Change

N = TypeVar("N", bound=SourceOptions)


class SourceBackend(CgmhBackend[N], Generic[N]):
    """Starts from a text, of which `keep` locks parts."""

    @abstractmethod
    def subject(self, text: str, ids: tuple[int, ...], options: N) -> Subject:
        """The subject of the results of a text."""

    def terms(self, options: N) -> list[tuple[float, Term]]:
        return [(options.similarity, self._similarity)] if options.similarity else []

    def label(self, options: N) -> str:
        label = super().label(options)
        more = self.loaded(SIMILARITY).label if options.similarity else label
        return label if more in label else f"{label}+{more}"

    def longest(self, options: N) -> int:
        """The most tokens that all models read."""
        longest = super().longest(options)
        if not options.similarity:
            return longest
        return min(longest, self._similarity.model.positions - FRAME)

    def prepare(self, row: Row, options: N, on_event: OnEvent) -> Start:
        reading = self.reader.read(row.text)
        if is_blank(reading.text):
            raise DataError("the text is empty", hint="give a sentence")
        if row.keywords:
            raise DataError("the row has keywords", hint="{@keep} locks words of the text")
        subject = self.subject(reading.text, tuple(self.tokenizer.encode(reading.text)), options)
        state = locked_state(reading, options.keep, self.tokenizer, subject)
        notes = self.reader.text_notes(reading.text, row.text)
        return self.start(row, reading, state, options, options.keep, notes=notes)

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        ids = list(start.state.ids)
        before = [len(self.tokenizer.decode(ids[: span.start])) for span in start.state.spans]
        text = self.tokenizer.decode(list(state.ids))
        return start.reading.edited(text, anchors(before, state.ids, state.spans, self.tokenizer))

    @cached_property
    def _similarity(self) -> Similarity:
        specials = self.tokenizer.specials
        return Similarity(self.loaded(SIMILARITY).network, specials.cls, specials.sep)
