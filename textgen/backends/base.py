"""The base class of backends: rows in, records out, in order.

A backend turns one prepared batch into records; here is what comes before and after: options, seeds,
error records, windows, batches of rows with the same padded length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch

# backends of other packages take these from here
from textgen.backends.defaults import with_defaults
from textgen.backends.given import given_rows
from textgen.backends.outcome import Found as Found
from textgen.backends.outcome import Outcome as Outcome
from textgen.backends.outcome import Prepared as Prepared
from textgen.backends.outcome import cut_notes, in_house_style
from textgen.backends.reader import Reader
from textgen.errors import DataError, UsageError
from textgen.events import Computed, Note, OnEvent, ProgressCounter, ignore
from textgen.messages import Message, option
from textgen.models.batching import BatchLimit, out_of_memory, same_size_batches
from textgen.models.guidance import with_style
from textgen.models.layers.attention import padded_length
from textgen.models.place import Place
from textgen.options import DecodingOptions, Options, composed, parse
from textgen.options.base import StyledOptions
from textgen.rng import fresh_seed
from textgen.schema import Record, Row
from textgen.store.catalog import ModelFiles
from textgen.store.load import LoadedModel, load_model
from textgen.text.keywords import several_in_one

HOUSE_LISTS = ("avoid_file", "keyword_file")  # lists of words, a line each

O = TypeVar("O", bound=Options)  # noqa: E741
P = TypeVar("P", bound="Prepared")


class Backend(ABC, Generic[O, P]):
    """A loaded model that generates records for rows.

    Args:
        model: From `load_model`.

    Attributes:
        options: The class of its options.
        task: The command that uses it: `title` or `sample`.
        continues: Its texts begin with those of their rows.
    """

    options: type[O]
    task: ClassVar[str]
    continues: ClassVar[bool] = False
    place = Place()  # where `generate` and `stream` compute; who calls the other methods has entered one

    @classmethod
    def open(cls, files: ModelFiles) -> Self:
        """Load a model; a backend for models of another make reads their files here."""
        return cls(load_model(files))

    def __init__(self, model: LoadedModel) -> None:
        self.model, self.tokenizer = model, model.tokenizer
        self.network: Any = model.network

    def generate(
        self, texts: str | Row | Iterable[str | Row], *, on_event: OnEvent = ignore, **options: Any
    ) -> list[Record]:
        """Generate for every text.

        Args:
            texts: Articles, prompts or seed sentences; a single one may be given as it is.
            on_event: Told of progress and of inputs that were shortened.
            **options: Fields of the backend's `options`, such as `num_candidates=3, seed=7`.

        Returns:
            One record a text, in their order. A text that cannot be used becomes a record with `error`.

        Raises:
            UsageError: An option is unknown or out of range, or `texts` is no text and no list.
        """
        with self.place.entered():
            return list(self.run(list(given_rows(texts)), self._parsed(options), on_event))

    def stream(self, text: str = "", *, on_event: OnEvent = ignore, **options: Any) -> Iterator[str]:
        """Write one text token by token.

        Args:
            text: The prompt.
            on_event: Told if the prompt was shortened, and of the notes for a person.
            **options: Fields of the backend's `options`.

        Yields:
            Parts of the text, without the prompt; joined they are what `generate` writes after it.

        Raises:
            UsageError: The prompt is no text; an option is unknown, out of range, or cannot be streamed; or
                the backend has no text before it is whole.
            DataError: The prompt cannot be used.
        """
        parsed = self._parsed(options)
        if not isinstance(text, str):
            raise UsageError("{kind} is not text", kind=type(text).__name__, hint="a prompt is a str")
        if parsed.num_candidates > 1:
            raise UsageError("one text can be streamed, not several", hint="{@num_candidates} 1")
        with self.place.entered():
            self.check(parsed)
            self.check_streamable(parsed)
            parts = self.stream_row(Row(text), parsed, self.seed_of(parsed), on_event=on_event)
        return self.place.each(parts)

    def stream_row(
        self, row: Row, options: O, seed: int, *, candidate: int = 0, on_event: OnEvent = ignore
    ) -> Iterator[str]:
        """Stream one candidate of a row, with options that can be streamed; see `stream`.

        Raises:
            UsageError: The backend writes no text token by token; those that do override this.
        """
        raise self._no_stream()

    def check_streamable(self, options: O) -> None:
        """Refuse options whose texts are known only in the end. Raises UsageError."""
        raise self._no_stream()

    def run(self, rows: Iterable[Row], options: O, on_event: OnEvent = ignore) -> Iterator[Record]:
        """Generate for rows as they come, with validated options; records in the order of the rows."""
        seed = self.begin(options, on_event)
        total = len(rows) if isinstance(rows, Sized) else None
        listener = on_event if on_event is ignore else ProgressCounter(total, on_event)
        stream = iter(rows)
        while window := list(islice(stream, options.window)):
            yield from self.window(window, options, seed, listener)

    def begin(self, options: O, on_event: OnEvent = ignore) -> int:
        """Check the options against the model, pass on the notes for their user, and return the seed.

        Raises:
            UsageError: The model cannot do that.
        """
        self.check(options)
        for word in several_in_one(options.avoid) if isinstance(options, DecodingOptions) else ():
            template = "{@avoid} {word} is one text; {@avoid} once for each word keeps out all of them"
            on_event(Note(template, word=word))
        for name in HOUSE_LISTS:
            for word in several_in_one(getattr(options, name, ()))[:1]:
                template = "{option}: {word} is one text; write each word on a line of its own"
                on_event(Note(template, option=option(name), word=word))
        for text in self.notes(options):
            on_event(Note(text))
        return self.seed_of(options)

    def window(
        self, rows: Sequence[Row], options: O, seed: int, on_event: OnEvent = ignore
    ) -> Iterator[Record]:
        """Generate for rows that are looked at together: those of one padded size make batches.

        Args:
            rows: As many as fit into memory.
            options: Validated, and checked by `begin`.
            seed: From `begin`.
            on_event: Told of every batch (`Computed`), and the backend's own events.

        Yields:
            The records in the order of the rows, each as soon as those before it are done.
        """
        records: dict[int, Record] = {}
        usable = self._prepared(rows, options, records, on_event)
        if records:
            on_event(Computed(len(records), errors=len(records)))
        shown = 0
        for batch in same_size_batches(
            usable, lambda pair: padded_length(pair[1].size), lambda size: self._rows_at_once(size, options)
        ):
            outcomes = self._outcomes([prepared for _, prepared in batch], options, seed, on_event)
            found = {
                number: self._record(prepared, outcome, options, seed)
                for (number, prepared), outcome in zip(batch, outcomes, strict=True)
            }
            records |= found
            on_event(
                Computed(
                    len(found),
                    errors=sum(record.error is not None for record in found.values()),
                    tokens=sum(record.tokens for record in found.values()),
                )
            )
            # an interruption loses no row that was finished and whose turn had come
            while shown in records:
                yield records.pop(shown)
                shown += 1
        yield from (records[number] for number in range(shown, len(rows)))

    @staticmethod
    def seed_of(options: O) -> int:
        """The seed to use: the one given, else a fresh one."""
        return fresh_seed() if options.seed is None else options.seed

    @abstractmethod
    def prepare(self, row: Row, options: O, on_event: OnEvent) -> P:
        """Text to ids. Raises DataError if the row cannot be used."""

    @abstractmethod
    def compute(self, batch: Sequence[P], options: O, seed: int, on_event: OnEvent) -> Sequence[Outcome]:
        """Candidates of every row of a batch, in the order to be reported, or why a row has none."""

    def check(self, options: O) -> None:
        """Refuse options that this model cannot follow, before any row. Raises UsageError."""

    def label(self, options: O) -> str:
        """The label of the model in records."""
        return self.model.label

    def notes(self, options: O) -> list[str]:
        """Notes on these options for their user, before any row."""
        return []

    def prompt(self, row: Row) -> str | None:
        """The prompt in the record of a row; None where there is none."""
        return None

    def styled(self, options: StyledOptions) -> Any:
        """The network in the style that was asked for. Raises UsageError: it does not know that."""
        return with_style(self.network, options.style, options.guidance, name=self.model.files.name)

    def _no_stream(self) -> UsageError:
        # titles, chains and edits: also where the model itself writes from left to right
        return UsageError("{@stream}: such texts are known only once they are whole", hint="leave it out")

    def _parsed(self, options: dict[str, Any]) -> O:
        given = with_defaults(self.model.files, options)
        parsed: O = parse(composed(self.options), given, user=self.model.files.name)
        return parsed

    def _prepared(
        self, window: Sequence[Row], options: O, records: dict[int, Record], on_event: OnEvent
    ) -> list[tuple[int, P]]:
        """The rows that can be used, with their numbers; those that cannot go into `records`."""
        usable = []
        for number, row in enumerate(window):
            problem, locks = row.error, None
            if problem is None:
                try:
                    usable.append((number, self.prepare(row, options, on_event)))
                    continue
                except DataError as error:
                    problem, locks = _with_place(row, error), error.locks
            records[number] = Record(
                row.name, [], self.label(options), error=problem, fields=row.fields, locks=locks
            )
        return usable

    def _record(self, prepared: P, outcome: Outcome, options: O, seed: int) -> Record:
        found = outcome if isinstance(outcome, Found) else Found(outcome if isinstance(outcome, list) else [])
        given = len(prepared.row.text) if self.continues else 0
        return Record(
            id=prepared.row.name,
            candidates=in_house_style(found.candidates, options, given),
            model=self.label(options),
            input_tokens=prepared.input_tokens,
            used_tokens=prepared.used_tokens,
            seed=seed if options.draws else None,
            prompt=self.prompt(prepared.row),
            error=_with_place(prepared.row, outcome) if isinstance(outcome, DataError) else None,
            notes=prepared.notes + found.notes + cut_notes(found.candidates, options),
            fields=prepared.row.fields,
            locks=prepared.locks,
        )

    @cached_property
    def reader(self) -> Reader:
        """The reader of the rows' texts."""
        return Reader(self.model)

    @cached_property  # backends with an `open` of their own may not call __init__
    def _limit(self) -> BatchLimit:
        return BatchLimit()

    def _rows_at_once(self, size: int, options: O) -> int:
        return self._limit.rows(size, most_rows=options.rows_at_once, most_tokens=options.tokens_at_once)

    def _outcomes(self, batch: Sequence[P], options: O, seed: int, on_event: OnEvent) -> list[Outcome]:
        """The outcomes of a batch; a part that does not fit into memory is halved, now and from then on."""
        found: list[Outcome] = []
        size = padded_length(batch[0].size)
        while len(found) < len(batch):
            part = batch[len(found) :][: self._rows_at_once(size, options)]
            try:
                with torch.inference_mode():
                    found += self.compute(part, options, seed, on_event)
                continue
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            if len(part) > 1:  # only here, where the error no longer holds what was computed
                fewer = self._limit.halve(len(part), size)
                template = "out of memory with {rows} rows of {size} tokens; from here on {fewer}"
                on_event(Note(template, rows=len(part), size=size, fewer=fewer))
            else:
                hint = "shorten it, or free some memory"
                found.append(DataError("there is not enough memory for it", hint=hint))
        return found


def _with_place(row: Row, error: DataError) -> Message:
    """The error with the row's place in its file."""
    return Message("{place}: {error}", place=row.place, error=error.line) if row.place else error.line
