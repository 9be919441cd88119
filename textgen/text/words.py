"""Words by jieba, which is loaded only here, and quietly."""

from __future__ import annotations

import logging
import warnings
from functools import cache
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


def known(word: str) -> bool:
    """Tells whether the dictionary has a word."""
    return bool(_tokenizer().FREQ.get(word))


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
