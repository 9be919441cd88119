"""Where a text has spaces that its tokens do not hold: between Latin words, and nowhere in Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from textgen.tokenizers.base import Vocabulary

# ideographs, kana, their marks and those of typesetting; what is written here is written without spaces
_UNSPACED = re.compile(
    "[\u2e80-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40"
    "\uff5b-\uff9f\u2014\u2018\u2019\u201c\u201d\u2026\u00b7\U00020000-\U0003ffff]"
)
_CLOSING = frozenset(".,:;!?%)]")
_INSIDE_NUMBERS = frozenset(".,:")


def is_unspaced(character: str) -> bool:
    """Whether this is of Chinese or Japanese writing, marks included, which has no spaces."""
    return _UNSPACED.match(character) is not None


def is_spaced(character: str) -> bool:
    """Whether this is a letter or a digit of a script that puts spaces between words."""
    return unicodedata.category(character)[0] in "LN" and not is_unspaced(character)


class WordDetokenizer:
    """Puts back the spaces between tokens that are words, or go on with the word before them.

    A word of letters or digits has a space before it if such a word comes before, closing marks
    (. , : ; ! ? % ) ]) between the two or not: `hello world`, `in 2024, too`, but 价格:100元 and 用GPT写.
    Within numbers there is none: a digit behind a . , or : that stands behind a digit is joined (3.14,
    12:30). All other marks join what is on both sides of them (gpt-2, c++, $5, don't), and Chinese has no
    spaces at all.

    So a point between two words is taken for the end of a sentence: `index.html` comes back as
    `index. html`, and `1, 2` as `1,2`.

    Args:
        vocabulary: Its pieces are whole characters.
        joined: Ids that go on with a word.
    """

    def __init__(self, vocabulary: Vocabulary, joined: Container[int]) -> None:
        self._pieces, self._joined = vocabulary.pieces, joined
        self._last = self._before = " "
        self._behind_word = False  # closing marks aside

    def push(self, token: int) -> str:
        """The text of this id, with the space before it."""
        if not (text := self._pieces[token].decode()):
            return ""
        gap = " " if token not in self._joined and self._apart(text[0]) else ""
        for character in text:
            self._before, self._last = self._last, character
            if character not in _CLOSING:
                self._behind_word = is_spaced(character)
        return gap + text

    def _apart(self, first: str) -> bool:
        """Whether a token that begins so has a space before it."""
        if not (self._behind_word and is_spaced(first)):
            return False
        return not (first.isdecimal() and self._last in _INSIDE_NUMBERS and self._before.isdecimal())
