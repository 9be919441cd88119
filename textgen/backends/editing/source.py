"""The base of rewrite and correct, whose results are to be like a source text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Generic, TypeVar

from textgen.backends.base import Outcome
from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.locks import (
    Held,
    anchors,
    held,
    in_order,
    locked_state,
    locked_texts,
    nothing_free,
)
from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.proposals import share_vocabulary
from textgen.backends.editing.sentences import inside, joined, part_of, stretches
from textgen.backends.tokenized import edited, token_places, tokenized, with_spans
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
from textgen.text.model_input import Reading

N = TypeVar("N", bound=SourceOptions)


@dataclass(frozen=True)
class Divided(Start):
    """A row whose parts are rows of their own.

    Attributes:
        sentences: Their texts, each with what is ready of it; None where all of it has to stay.
    """

    sentences: tuple[tuple[str, Start | None], ...] = ()


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

    def by_sentences(self, options: N) -> bool:
        """Whether the sentences of a text are worked on one by one."""
        return False

    def prepare(self, row: Row, options: N, on_event: OnEvent) -> Start:
        read = self.reader.read(row.text)
        if is_blank(read.text):
            raise DataError("the text is empty", hint="give a sentence")
        if row.keywords:
            raise DataError("the row has keywords", hint="{@keep} locks words of the text")
        tokenizer = self.models(options).tokenizer
        reading = tokenized(read, tokenizer)
        parts = held(reading, options)
        locks = tuple(part.lock(reading) for part in parts) if options.explain else None
        spans = stretches(reading.text) if self.by_sentences(options) else []
        try:
            if len(spans) > 1:
                start = self._divided(row, reading, parts, spans, options)
            else:
                start = self.begun(row, reading, parts, options)
        except DataError as error:
            error.locks = locks
            raise
        notes = self.reader.text_notes(read.text, row.text, tokenizer)
        return replace(start, notes=notes, locks=locks)

    def _divided(
        self, row: Row, reading: Reading, parts: Sequence[Held], spans: Sequence[range], options: N
    ) -> Start:
        """A row whose parts are rows of their own. Raises DataError: Nothing of any may change."""
        found: list[tuple[str, Start | None]] = []
        for number, span in enumerate(spans):
            own, part = part_of(row, reading, spans, number)
            start = None
            if not is_blank(part.text):
                start = self.begun(own, part, inside(parts, span), options, strict=False)
            found.append((own.text, start))
        starts = [start for _, start in found if start]
        if not any(start.state.free for start in starts):
            raise nothing_free(parts)
        whole = vars(starts[0]) | {"row": row, "reading": reading, "sentences": tuple(found)}
        for size in ("input_tokens", "used_tokens"):
            whole[size] = sum(getattr(start, size) for start in starts)
        return Divided(**whole)

    def compute(self, batch: Sequence[Start], options: N, seed: int, on_event: OnEvent) -> list[Outcome]:
        whole = [start.sentences if isinstance(start, Divided) else (("", start),) for start in batch]
        starts = [start for own in whole for _, start in own if start]
        outcomes = iter(super().compute(starts, options, seed, on_event))
        found = [[(text, next(outcomes) if start else None) for text, start in own] for own in whole]
        ranked, most = options.searching, options.num_candidates
        return [
            joined(own, most, ranked=ranked, changes=self.shows_changes)
            if isinstance(start, Divided)
            else own[0][1] or []
            for start, own in zip(batch, found, strict=True)
        ]

    def begun(
        self, row: Row, reading: Reading, parts: Sequence[Held], options: N, *, strict: bool = True
    ) -> Start:
        """A row of which parts are locked.

        Raises:
            DataError: It is too long; or nothing of it may change, if that is refused (`strict`).
        """
        tokenizer = self.models(options).tokenizer
        subject = self.subject(reading.text, tuple(tokenizer.encode(reading.text)), options)
        state = locked_state(reading, parts, tokenizer, subject, strict=strict)
        locked = locked_texts(reading, state, tokenizer)
        # words to be kept lie where they lie: a part of a text need not have them all
        kept = [word for word in options.keep if word in row.text]
        return self.start(row, reading, state, locked, options, kept)

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
