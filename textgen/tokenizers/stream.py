"""Decoding of ids that arrive one by one."""

from __future__ import annotations

import codecs

from textgen.tokenizers.base import Vocabulary


class IncrementalDetokenizer:
    """Turns ids into text as they come and holds back what may still be half a character.

    What `push` returns, joined, is `Tokenizer.decode` of all the ids, but for a character that is open at the
    end.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._pieces = vocabulary.pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """The text that this id completes; empty while a character is open."""
        return self._decoder.decode(self._pieces[token])
