"""Blank texts, lines and cells: those in which there is nothing to see."""

from __future__ import annotations

import unicodedata

MARK = "\ufeff"  # the byte-order mark
_UNSEEN = ("Cc", "Cf")  # controls, and format characters such as zero-width spaces and byte-order marks


def is_blank(text: str) -> bool:
    """Whether a text has only white space and characters of no width, or none at all.

    Args:
        text: Any text.
    """
    return all(c.isspace() or unicodedata.category(c) in _UNSEEN for c in text)
