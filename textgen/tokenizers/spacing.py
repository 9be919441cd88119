"""Where a text has spaces that its tokens do not hold: between Latin words, and nowhere in Chinese."""

from __future__ import annotations

import codecs
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
_APART = frozenset(",;!?")


def is_unspaced(character: str) -> bool:
    """Whether this is of Chinese or Japanese writing, marks included, which has no spaces."""
    return _UNSPACED.match(character) is not None


def is_spaced(character: str) -> bool:
    """Whether this is a letter or a digit of a script that puts spaces between words."""
    return unicodedata.category(character)[0] in "LN" and not is_unspaced(character)


def is_content(character: str) -> bool:
    """Whether a text loses something with this character: it is no blank within a line, nor an accent."""
    breaks_line = character.splitlines() != [character]
    return breaks_line or not (character.isspace() or unicodedata.category(character) == "Mn")


def vanishes(character: str, written: str) -> bool:
    """Whether nothing, or a blank, is written for a character of a text that is none itself."""
    return is_content(character) and written != character and not written.strip()


class WordDetokenizer:
    """Puts back the spaces between tokens that are words, or go on with the word before them.

    A word of letters or digits has a space before it if such a word comes before, or if , ; ! ? stand
    between the two: `hello world`, `in 2024, too`, but 价格,100元 and 用GPT写. Digits are joined by commas
    (1,000). Behind a point there is a space between a number and a word (`1. Android`), as in lists, and
    else none (3.14, index.html). All other marks join what is on both sides of them (12:30, gpt-2, c++,
    $5, don't, f(x)), and Chinese has no spaces at all.

    So Chinese texts write nearly all of their Latin words; of English prose, sentences come back as
    `one.two`.

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
        in_number = first.isdecimal() and self._before.isdecimal()
        if self._last == ".":
            return self._before.isdecimal() and not in_number
        return is_spaced(self._last) or (self._last in _APART and not (self._last == "," and in_number))


class PrefixedDetokenizer:
    """Leaves out the space with which a vocabulary begins every text, and, if wanted, those in Chinese.

    Args:
        vocabulary: Its pieces hold the spaces.
        prefixed: Whether a text begins with a space that is none.
        folded: Whether spaces in a row were read as one. Then none is written between Chinese characters or
            beside Chinese marks, nor at the end; a space between 用 and GPT stays.
    """

    def __init__(self, vocabulary: Vocabulary, *, prefixed: bool, folded: bool) -> None:
        self._pieces, self._folded = vocabulary.pieces, folded
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = prefixed
        self._last = ""
        self._space = False

    def push(self, token: int) -> str:
        """The text that is certain with this id; empty while a character is open, or a space is held back."""
        return "".join(map(self._written, self._decoder.decode(self._pieces[token])))

    def finish(self) -> str:
        """The mark of a character that is open at the end."""
        return "".join(map(self._written, self._decoder.decode(b"", final=True)))

    def _written(self, character: str) -> str:
        if character == " " and (self._at_start or self._folded):
            self._space = bool(self._last)
            self._at_start = False
            return ""
        gap = " " if self._space and _is_space_kept(self._last, character) else ""
        self._last, self._space, self._at_start = character, False, False
        return gap + character


def _is_space_kept(before: str, after: str) -> bool:
    if is_unspaced(before) == is_unspaced(after):
        return not is_unspaced(before)
    return before.isalnum() and after.isalnum()
