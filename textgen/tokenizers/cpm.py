"""The scheme of CPM: jieba's words joined by spaces, marks for the spaces and line breaks of the text."""

from __future__ import annotations

import re
from pathlib import Path

from textgen.text.normalize import check_encodable
from textgen.text.words import words
from textgen.tokenizers.base import ABSENT, Specials, Vocabulary, present
from textgen.tokenizers.sentencepiece import PROBE, SPACE, read_processor
from textgen.tokenizers.spacing import vanishes
from textgen.tokenizers.stream import WritesBytes

_MARKS = {" ": "\u2582", "\n": "\u2583"}
_READ = str.maketrans(_MARKS)
_WRITTEN = str.maketrans({mark: blank for blank, mark in _MARKS.items()} | {SPACE: ""})
_SYMBOL = re.compile(r"</?\w+>")  # jieba splits what a text has of these


class CpmTokenizer(WritesBytes):
    """Reads words, as jieba finds and guesses them, by a SentencePiece model; writes them without spaces.

    Spaces and line breaks are kept. What the model normalises is written in that form, and U+2581, U+2582
    and U+2583, which stand for blanks, are read as blanks.

    Args:
        path: The model (`spiece.model`).
        specials: Ids of the symbols; they write nothing.

    Raises:
        ModelError: The file cannot be read.
    """

    def __init__(self, path: Path, specials: Specials) -> None:
        self.path, self.specials = path, specials
        self._processor = read_processor(path)
        self.vocabulary = self._vocabulary()
        self.lossless = self.decode(self.encode(PROBE)) == PROBE

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials.

        Raises:
            DataError: The text has a lone surrogate, which no encoding of Unicode can hold.
        """
        check_encodable(text)
        found: list[int] = self._processor.encode(" ".join(word.translate(_READ) for word in words(text)))
        return found

    def lost(self, text: str) -> tuple[str, ...]:
        """Characters without a token, those taken out by the model, and those that stand for blanks."""
        return tuple(character for character in dict.fromkeys(text) if self._is_lost(character))

    def _is_lost(self, character: str) -> bool:
        ids = self.encode(character)
        return self._processor.unk_id() in ids or vanishes(character, self.decode(ids))

    def _vocabulary(self) -> Vocabulary:
        processor = self._processor
        names: list[str] = processor.id_to_piece(list(range(len(processor))))
        silent = {i for i, name in enumerate(names) if processor.is_control(i) or _SYMBOL.fullmatch(name)}
        silent |= {processor.unk_id(), *present(*vars(self.specials).values())}
        pieces = [b""] * (max(len(names) - 1, *silent) + 1)
        for i, name in enumerate(names):
            if i not in silent:
                pieces[i] = name.translate(_WRITTEN).encode()
        breaks = [i for i in self.encode("a\na") if pieces[i] == b"\n"]
        wordless = frozenset(i for i in range(len(names)) if i not in silent and not pieces[i])
        spaced = frozenset(i for i, piece in enumerate(pieces) if b" " in piece)
        newline = breaks[0] if breaks else ABSENT
        return Vocabulary(tuple(pieces), frozenset(), newline, spaced, wordless=wordless)
