"""Decoding of ids that arrive one by one."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from textgen.tokenizers.base import Tokenizer, Vocabulary


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


class WritesBytes:
    """The part of a tokenizer that writes, where a text is what its tokens hold, and nothing between them.

    Attributes:
        vocabulary: The tokens.
    """

    vocabulary: Vocabulary

    def decode(self, ids: list[int]) -> str:
        """Text of the ids; symbols write nothing, broken UTF-8 becomes U+FFFD."""
        pieces = self.vocabulary.pieces
        return b"".join(pieces[i] for i in ids).decode("utf-8", "replace")

    def detokenizer(self) -> IncrementalDetokenizer:
        """See `Tokenizer`; what is open at the end is left out."""
        return IncrementalDetokenizer(self.vocabulary)


def written_behind(before: Iterable[int], ids: Iterable[int], tokenizer: Tokenizer) -> str:
    """The text that ids write behind others, with the space that stands between the two.

    Where spaces are a matter of the detokenizer, `decode(ids)` does not know of the word before; where it
    leaves out the space before a text, `decode` takes these for its beginning.
    """
    stream = tokenizer.detokenizer()
    for i in before:
        stream.push(i)
    return "".join([stream.push(i) for i in ids])
