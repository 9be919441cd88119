"""Sentences around given words (用词造句)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.tokenized import token_places, with_spans
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import Operations, State, Subject
from textgen.mcmc.cgmh.kernel import ORDER
from textgen.mcmc.cgmh.target import Term
from textgen.options import ComposeOptions
from textgen.rng import uniform
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.diff import Change
from textgen.text.keywords import essential, keywords_of, missing
from textgen.text.line_ends import LINE_END
from textgen.text.words import words
from textgen.tokenizers.base import Tokenizer

SWAPS = 0.05  # share of the steps in which two keywords change places


class ComposeBackend(CgmhBackend[ComposeOptions]):
    """Starts from the keywords, locked, side by side, and writes around them.

    苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194.
    """

    options = ComposeOptions

    def terms(self, options: ComposeOptions) -> list[tuple[float, Term]]:
        return [(-options.whole_words, Merged(self.models(options).tokenizer))]

    def operations(self, options: ComposeOptions) -> Operations:
        return Operations(0.25, 0.45, 0.25, 0.0 if options.ordered else SWAPS)

    def prepare(self, row: Row, options: ComposeOptions, on_event: OnEvent) -> Start:
        if not is_blank(row.text):
            raise DataError("compose takes keywords, no text", hint="put them into the field of keywords")
        keywords = tuple(dict.fromkeys([*options.keyword, *keywords_of(row.keywords)]))
        if not keywords:
            raise DataError("there are no keywords", hint="put them into the field of keywords")
        if broken := [repr(word) for word in keywords if LINE_END.search(word)]:
            raise DataError("the keyword {word} has a line break", word=broken[0], hint="give two keywords")
        wanted = essential(keywords, ordered=options.ordered)
        locked = [self.reader.word(word) for word in wanted]
        tokenizer = self.models(options).tokenizer
        if lost := tokenizer.lost("".join(locked)):
            raise DataError(
                "the proposals have no token for {characters}",
                characters=repr("".join(lost)),
                hint="take other words, or other {@proposals}",
            )
        encoded = list(map(tokenizer.encode, locked))
        assert options.length is not None
        subject = Subject(length=options.length)
        state = State.of([(ids, label) for label, ids in enumerate(encoded, 1)], subject=subject)
        # the words are put in as they were typed
        reading = replace(self.reader.read("\n".join(keywords)), lossy=False)
        notes = self.reader.word_notes(reading.text)
        return self.start(row, reading, state, locked, options, keywords, notes=notes)

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        """The text with its keywords in the case that they were typed in."""
        spans = state.spans
        texts = [start.locked[state.labels[span.start] - 1] for span in spans]
        text, _ = with_spans(state.ids, spans, texts, start.models.tokenizer)
        return start.reading.given_back(text, start.keywords), []

    def first(self, start: Start, key: bytes, candidate: int, options: ComposeOptions) -> State:
        """The keywords side by side, in any order in one that the chain draws."""
        state = start.state
        spans = state.spans
        if not options.ordered:
            spans = sorted(spans, key=lambda span: uniform(key, candidate, span.start, ORDER))
        parts = [(state.ids[span.start : span.stop], state.labels[span.start]) for span in spans]
        return State.of(parts, subject=state.subject)

    def holds(self, start: Start, text: str, options: ComposeOptions) -> bool:
        return not missing(text, start.keywords, ordered=options.ordered)


class Merged:
    """A term: how many ends of locked spans lie inside a longer word, as those of 市民 in 城市民俗.

    Args:
        tokenizer: Writes the tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def values(self, states: Sequence[State]) -> list[float]:
        return [self._merged(state) for state in states]

    def _merged(self, state: State) -> float:
        places = token_places(state.ids, self.tokenizer)
        text = self.tokenizer.decode(list(state.ids))
        borders = {0, *accumulate(map(len, words(text)))}
        spans = state.spans
        edges = [edge for span in spans for edge in (places[span.start].start, places[span.stop - 1].stop)]
        return sum(edge not in borders for edge in edges)
