"""Plausibility of texts, which tells apart encodings that decode the same bytes.

That bytes are valid UTF-8 proves little where they are few: one in a hundred words of a Chinese dictionary is
valid UTF-8 by chance when it is written in GBK, 学校 as ѧУ.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal

from textgen.text.words import dictionary_words

JUDGED = 8192  # bytes or characters; enough to judge, and even, so that UTF-16 is cut between two units
LEAST = 0.5  # of a Chinese text's characters are in words of the dictionary; of an alphabet's tokens, words
COMMON = 0.8  # of its characters are common ones
_ASCII_RUN = re.compile(r"[\x00-\x7f]+")
_HAN_RUN = re.compile("[\u4e00-\u9fff]+")
_LONE = re.compile("(?<![A-Za-z\u4e00-\u9fff])[\u4e00-\u9fff](?![A-Za-z\u4e00-\u9fff])")
_BEHIND_ALPHABETS = 0x800  # the first code point that UTF-8 writes in three bytes
_TOKEN = re.compile("[A-Za-z\u0080-\U0010ffff]+")
# letters of today's languages, by the first word of their names; other letters hardly stand in any text
_LETTERS = {
    "LATIN": re.compile("[A-Za-zªµº\u00c0-\u017fƏəƠơƯưǍ-ǜǸǹȘ-ț]+"),
    "GREEK": re.compile("[\u0386-\u03ce]+"),
    "CYRILLIC": re.compile("[\u0400-\u045fҐґҒғҚқҢңҮүҰұӘәӨө]+"),
    "HEBREW": re.compile("[\u05d0-\u05ea]+"),
    "ARABIC": re.compile("[\u0620-\u064aٹپچڈڑژکگںھہیے]+"),
}
_LATIN_SYMBOLS = "".join(map(chr, range(0xA0, 0xC0))) + "×÷"
_QUOTES = "«»"
_ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328"


def beyond_ascii_share(text: str) -> float:
    """The share of common characters among those beyond ASCII."""
    # the sample is taken after the ASCII went: the first Chinese may come late in a file
    return common_share(_ASCII_RUN.sub("", text)[:JUDGED])


def common_share(text: str) -> float:
    """The share of common characters."""
    return sum(map(_is_common, text)) / max(1, len(text))


@cache
def _is_common(character: str) -> bool:
    """Whether the character is printable ASCII, CJK punctuation, or of level 1 of GB2312 or Big5.

    The two standards put the characters of common texts into level 1: about one in three of the CJK block.
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


def chinese_share(text: str) -> float:
    """The share of a text's Chinese characters that are in words of the dictionary.

    Args:
        text: Any text; its beginning is judged.
    """
    runs = _HAN_RUN.findall(_ASCII_RUN.sub(" ", text)[:JUDGED])
    covered = sum(len(word) for run in runs if len(run) > 1 for word in dictionary_words(run))
    return covered / max(1, sum(map(len, runs)))


def utf8_by_chance(data: bytes) -> Literal["no", "perhaps", "yes"]:
    """Whether bytes that are valid UTF-8 are rather Chinese in GB18030.

    Args:
        data: Valid UTF-8; its beginning is judged.

    Returns:
        `yes` where they are Chinese in the one and no text of any alphabet in the other, `perhaps` where they
        are text in both.
    """
    text = data[:JUDGED].decode("utf-8", "ignore")
    if text.isascii() or any(ord(c) >= _BEHIND_ALPHABETS and _is_assigned(c) for c in text):
        return "no"
    chinese = data[:JUDGED].decode("gb18030", "replace")
    written, share = _is_written(text), chinese_share(chinese)
    if beyond_ascii_share(chinese) < COMMON and (written or share < 1):
        return "no"
    in_words = share >= LEAST
    if written:
        return "perhaps" if in_words else "no"
    if re.search("[A-Za-z]", chinese):
        return "yes" if in_words else "no"
    alone = len(_LONE.findall(chinese)) >= LEAST * sum(map(len, _HAN_RUN.findall(chinese)))
    return "yes" if in_words or alone else "no"


def _is_written(text: str) -> bool:
    """Whether most of what a text has beyond ASCII are words of an alphabet, or symbols."""
    tokens = [token for token in _TOKEN.findall(text) if not token.isascii()]
    return sum(map(_is_word, tokens)) > LEAST * len(tokens)


def _is_word(token: str) -> bool:
    """Whether a token is a word of one alphabet, spelt as words are, or symbols."""
    letters = "".join(c for c in token if c.isalpha())
    others = {c for c in token if not c.isalpha()}
    if not letters:
        return len(others) == 1 and others.pop() in _LATIN_SYMBOLS
    alphabet = next((name for name, known in _LETTERS.items() if known.fullmatch(letters)), "")
    if alphabet == "LATIN" and len(token) > 1 and not re.search("[A-Za-z]", letters):
        return False  # such words have letters of ASCII, too
    if not alphabet or not all(_fits(c, alphabet) for c in others):
        return False
    if unicodedata.category(token[0]).startswith("M") or (len(letters) > 1 and len({*letters}) == 1):
        return False
    return letters in (letters.lower(), letters.upper(), letters.capitalize())


def _fits(character: str, alphabet: str) -> bool:
    """Whether a character that is no letter may stand in a word, or beside it."""
    if alphabet in ("HEBREW", "ARABIC"):  # vowel points, marks, digits
        return unicodedata.name(character, "").startswith(alphabet)
    symbols = _LATIN_SYMBOLS if alphabet == "LATIN" else _QUOTES
    return character in symbols or character in _ACCENTS


def _is_assigned(character: str) -> bool:
    return unicodedata.category(character) not in ("Cn", "Co")
