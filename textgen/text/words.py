"""Words by jieba, which is loaded only here, and quietly."""

from __future__ import annotations

import logging
import re
import warnings
from functools import cache, lru_cache
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def words(text: str) -> list[str]:
    """Splits a text into words, losing nothing.

    Args:
        text: Any text.

    Returns:
        The words, punctuation and white space between them; joined they are the text again.
    """
    found: list[str] = _tokenizer().lcut(text)
    return found


def tagged_words(text: str) -> list[tuple[str, str]]:
    """Splits a text into words, each with jieba's tag of its part of speech, losing nothing.

    Args:
        text: Any text.
    """
    return [(pair.word, pair.flag) for pair in _tagger().cut(text)]


def listed_words(text: str) -> list[str]:
    """Splits a text into words of the dictionary and single characters, none guessed, losing nothing.

    Args:
        text: Any text.
    """
    found: list[str] = _tokenizer().lcut(text, HMM=False)
    return found


@lru_cache(maxsize=4096)
def is_word(word: str) -> bool:
    """Tells whether jieba's dictionary has a word, without the second that loading it takes."""
    return f"\n{word} ".encode() in _dictionary()


def part_of_speech(word: str) -> str:
    """The part of speech that jieba's dictionary gives a word, such as `n`; empty where it has none.

    The first time it reads the whole dictionary, which takes a third of a second.
    """
    return _parts_of_speech().get(word.encode(), b"").decode()


def frequency(word: str) -> int:
    """How often jieba's dictionary has seen a word; 0 if it has it not."""
    return int(_tokenizer().FREQ.get(word, 0))


@cache
def _parts_of_speech() -> dict[bytes, bytes]:
    return dict(re.findall(rb"(\S+) \d+ (\S+)", _dictionary()))


@cache
def frequent_words(length: int, least: int = 20) -> tuple[str, ...]:
    """The words of the dictionary of so many characters that were seen at least so often."""
    seen: dict[str, int] = _tokenizer().FREQ
    return tuple(word for word, times in seen.items() if len(word) == length and times >= least)


@cache
def _dictionary() -> bytes:
    """The lines of the dictionary: a word, how often it was seen, its part of speech."""
    path = distribution("jieba").locate_file("jieba/dict.txt")
    return b"\n" + Path(str(path)).read_bytes()


def dictionary_words(text: str) -> list[str]:
    """The words of a text that have two characters or more and are in the dictionary, none guessed.

    Args:
        text: Chinese characters.
    """
    # jieba cuts a rare word where its parts are frequent
    found = [text] if is_word(text) else listed_words(text)
    return [word for word in found if len(word) > 1]


@cache
def _tagger() -> Any:
    _tokenizer()  # which loads jieba quietly
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jieba.posseg import POSTokenizer

    return POSTokenizer(_tokenizer())


@cache
def _tokenizer() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pkg_resources, and of escapes in its regular expressions
        import jieba

    jieba.setLogLevel(logging.CRITICAL)
    tokenizer = jieba.Tokenizer()
    # by default it would load, unchecked, a cache that anyone can put into the shared temporary folder
    with TemporaryDirectory() as folder:
        tokenizer.tmp_dir = folder
        tokenizer.initialize()
    return tokenizer
