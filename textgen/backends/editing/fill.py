"""Blanks of unknown length, filled so that the whole reads well."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.locks import anchors
from textgen.backends.tokenized import edited, tokenized, with_spans
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import State, Subject
from textgen.options import FillOptions
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.diff import Change
from textgen.text.model_input import Reading
from textgen.tokenizers.base import Tokenizer

BLANK = re.compile(r"[_＿]{2,}|＿")


class FillBackend(CgmhBackend[FillOptions]):
    """Locks the text that is given; a blank is never empty, and nothing is written elsewhere."""

    options = FillOptions
    blanks = True
    unfound = "no text with {least}-{most} characters in each blank was found"

    def prepare(self, row: Row, options: FillOptions, on_event: OnEvent) -> Start:
        read = self.reader.read(row.text)
        parts = BLANK.split(read.text)
        if row.keywords:
            raise DataError("the row has keywords", hint="compose takes keywords")
        if len(parts) == 1:
            raise DataError("there is no blank in the text", hint="write ___ where something is missing")
        if all(map(is_blank, parts)):
            raise DataError("there is nothing but blanks", hint="give a text with ___ in it")
        assert options.length is not None
        tokenizer = self.models(options).tokenizer
        reading, kept = self._tokenized(read, tokenizer)
        if unread := [part for part, text in zip(parts, kept, strict=True) if part and not text]:
            raise DataError("nothing of {part} is read", part=repr(unread[0]), hint="take it out of the text")
        encoded = [tokenizer.encode(part) for part in kept]
        given = [(ids, label) for label, ids in enumerate(filter(None, encoded), 1)]
        subject = Subject(length=options.length)
        state = State.of(given, open_left=not encoded[0], open_right=not encoded[-1], subject=subject)
        notes = self.reader.text_notes("".join(parts), row.text, tokenizer)
        return self.start(row, reading, state, list(filter(None, kept)), options, notes=notes)

    def _tokenized(self, read: Reading, tokenizer: Tokenizer) -> tuple[Reading, list[str]]:
        """What the tokenizer keeps of the parts between the blanks, which stay; and of each part."""
        blanks = [blank.span() for blank in BLANK.finditer(read.text)]
        edges = [0, *(edge for blank in blanks for edge in blank), len(read.text)]
        pieces = [read.part(*edge) for edge in pairwise(edges)]
        pieces[::2] = [tokenized(piece, tokenizer) for piece in pieces[::2]]
        text, places = "".join(piece.text for piece in pieces), [n for piece in pieces for n in piece.places]
        return replace(pieces[0], text=text, places=places), [piece.text for piece in pieces[::2]]

    def possible(self, state: State) -> bool:
        return all(state.blanks)

    def holds(self, start: Start, text: str, options: FillOptions) -> bool:
        source, reading = start.row.text, start.reading
        blanks = [reading.span(*blank.span()) for blank in BLANK.finditer(reading.text)]
        edges = [0, *(edge for blank in blanks for edge in blank), len(source)]
        given = [source[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
        return re.fullmatch(".+".join(map(re.escape, given)), text, re.DOTALL) is not None

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        tokenizer, read, texts = start.models.tokenizer, start.reading.text, start.locked
        begins = [0, *(blank.end() for blank in BLANK.finditer(read))]
        before = [at for at, part in zip(begins, BLANK.split(read), strict=True) if part]
        text, now = with_spans(state.ids, state.spans, texts, tokenizer)
        return edited(start.reading, text, anchors(before, texts, now), tokenizer)
