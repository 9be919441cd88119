"""The share of common Chinese characters in a text: it tells apart encodings that decode the same bytes."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

JUDGED = 8192  # bytes or characters; enough to judge, and even, so that UTF-16 is cut between two units
ASCII_RUN = re.compile(r"[\x00-\x7f]+")


def beyond_ascii_share(text: str) -> float:
    """The share of everyday characters among those beyond ASCII."""
    # the sample is taken after the ASCII went: the first Chinese may come late in a file
    return everyday_share(ASCII_RUN.sub("", text)[:JUDGED])


def everyday_share(text: str) -> float:
    """The share of everyday characters."""
    return sum(map(_is_everyday, text)) / max(1, len(text))


@cache
def _is_everyday(character: str) -> bool:
    """Whether the character is printable ASCII, CJK punctuation, or of level 1 of GB2312 or Big5.

    The two standards put the characters of everyday texts into level 1: about one in three of the CJK block.
    """
    if character.isascii():
        return character.isprintable() or character in "\t\r\n"
    simplified = character.encode("gb2312", "ignore")
    traditional = character.encode("big5", "ignore")
    return (
        b"\xb0\xa1" <= simplified <= b"\xd7\xf9"
        or b"\xa4\x40" <= traditional <= b"\xc6\x7e"
        # punctuation, numbering, full-width ASCII
        or b"\xa1" <= simplified < b"\xa4"
        or b"\xa1" <= traditional < b"\xa2"
    )


def strange_share(text: str) -> float:
    """The share of private, unassigned and control characters."""
    sample = text[:JUDGED]
    strange = sum(unicodedata.category(c) in ("Cc", "Cn", "Co") and not c.isspace() for c in sample)
    return strange / max(1, len(sample))
