"""Blanks of unknown length, filled so that the whole reads well."""

from __future__ import annotations

import re

from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.locks import anchors
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import State, Subject
from textgen.options import FillOptions
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.diff import Change

BLANK = re.compile(r"[_＿]{2,}|＿")


class FillBackend(CgmhBackend[FillOptions]):
    """Locks the text that is given; a blank is never empty, and nothing is written elsewhere."""

    options = FillOptions
    blanks = True
    unfound = "no text with {least}-{most} characters in each blank was found"

    def prepare(self, row: Row, options: FillOptions, on_event: OnEvent) -> Start:
        reading = self.reader.read(row.text)
        parts = BLANK.split(reading.text)
        if row.keywords:
            raise DataError("the row has keywords", hint="compose takes keywords")
        if len(parts) == 1:
            raise DataError("there is no blank in the text", hint="write ___ where something is missing")
        if all(map(is_blank, parts)):
            raise DataError("there is nothing but blanks", hint="give a text with ___ in it")
        assert options.length is not None
        encoded = [self.tokenizer.encode(part) for part in parts]
        given = [(ids, label) for label, ids in enumerate(encoded, 1) if ids]
        subject = Subject(length=options.length)
        state = State.of(given, open_left=not encoded[0], open_right=not encoded[-1], subject=subject)
        notes = self.reader.text_notes("".join(parts), row.text)
        return self.start(row, reading, state, options, notes=notes)

    def possible(self, state: State) -> bool:
        return all(state.blanks)

    def holds(self, start: Start, text: str, options: FillOptions) -> bool:
        source, reading = start.row.text, start.reading
        blanks = [reading.span(*blank.span()) for blank in BLANK.finditer(reading.text)]
        edges = [0, *(edge for blank in blanks for edge in blank), len(source)]
        given = [source[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
        return re.fullmatch(".+".join(map(re.escape, given)), text, re.DOTALL) is not None

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        blanks = list(BLANK.finditer(start.reading.text))
        begins = [0, *(blank.end() for blank in blanks)]
        starts = [at for at, part in zip(begins, BLANK.split(start.reading.text), strict=True) if part]
        text = self.tokenizer.decode(list(state.ids))
        return start.reading.edited(text, anchors(starts, state.ids, state.spans, self.tokenizer))
