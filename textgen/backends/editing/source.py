"""The base of rewrite and correct, whose results are to be like a source text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from typing import Generic, TypeVar

from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.locks import anchors, held, in_order, locked_state
from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.proposals import share_vocabulary
from textgen.backends.tokenized import edited, texts_of, token_places, tokenized, with_spans
from textgen.commands import SIMILARITY
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import State, Subject
from textgen.mcmc.cgmh.similarity import Similarity
from textgen.mcmc.cgmh.target import Term
from textgen.models.views import FRAME
from textgen.options import SourceOptions
from textgen.schema import Row
from textgen.store.load import LoadedModel
from textgen.text.blank import is_blank
from textgen.text.diff import Change

N = TypeVar("N", bound=SourceOptions)


class SourceBackend(CgmhBackend[N], Generic[N]):
    """Starts from a text, of which parts are locked: its facts, and what is to be kept."""

    @abstractmethod
    def subject(self, text: str, ids: tuple[int, ...], options: N) -> Subject:
        """The subject of the results of a text."""

    def terms(self, options: N) -> list[tuple[float, Term]]:
        if not options.similarity:
            return []
        return [(options.similarity, self._similarity(self.models(options)))]

    def label(self, options: N) -> str:
        label = super().label(options)
        more = self._similar(self.models(options)).label if options.similarity else label
        return label if more in label else f"{label}+{more}"

    def longest(self, options: N) -> int:
        """The most tokens that all models read."""
        longest, models = super().longest(options), self.models(options)
        if not options.similarity or not share_vocabulary(self._similar(models), models.writer):
            return longest
        return min(longest, int(self._similar(models).network.positions) - FRAME)

    def prepare(self, row: Row, options: N, on_event: OnEvent) -> Start:
        read = self.reader.read(row.text)
        if is_blank(read.text):
            raise DataError("the text is empty", hint="give a sentence")
        if row.keywords:
            raise DataError("the row has keywords", hint="{@keep} locks words of the text")
        tokenizer = self.models(options).tokenizer
        reading = tokenized(read, tokenizer)
        subject = self.subject(reading.text, tuple(tokenizer.encode(reading.text)), options)
        parts = held(reading, options)
        state = locked_state(reading, parts, tokenizer, subject)
        locked = texts_of(reading.text, token_places(state.ids, tokenizer, reading.text), state.spans)
        notes = self.reader.text_notes(read.text, row.text, tokenizer)
        start = self.start(row, reading, state, locked, options, options.keep, notes=notes)
        locks = tuple(part.lock(reading) for part in parts) if options.explain else None
        return replace(start, locks=locks)

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        tokenizer, first = start.models.tokenizer, start.state
        places = token_places(first.ids, tokenizer, start.reading.text)
        labels = [state.labels[span.start] - 1 for span in state.spans]
        before = [places[first.spans[label].start].start for label in labels]
        texts = [start.locked[label] for label in labels]
        text, now = with_spans(state.ids, state.spans, texts, tokenizer)
        # spans that changed places are edits, but for as many as may be called unmoved
        stayed = in_order(labels)
        kept = anchors([before[n] for n in stayed], [texts[n] for n in stayed], [now[n] for n in stayed])
        return edited(start.reading, text, kept, tokenizer)

    def _similar(self, models: ChainModels) -> LoadedModel:
        return models.similar(self.loaded(SIMILARITY))

    @cached_property
    def _similarity(self) -> Callable[[ChainModels], Similarity]:
        """The similarity to a text, by the models of its chains; it remembers what it read."""
        return cache(lambda models: models.similarity(self._similar(models)))
