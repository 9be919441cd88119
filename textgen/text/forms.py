"""The forms in which a text has its words and marks, for what a lossy tokenizer wrote of it.

Many vocabularies read small letters only, half-width marks only, or letters without accents. What they wrote
of a text is given back in the text's own form; so are words that were asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

HAN = "\u2e80-\u2fff\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"(?:(?![{HAN}])[^\W_])+")
LAST_WORD = re.compile(rf"{WORD.pattern}\Z")
FULL_WIDTH = dict(zip(",.:;!?()", "，。：；！？（）", strict=True))
BESIDE_HAN = re.compile(rf"(?<=[{HAN}])[,.:;!?()]|[,.:;!?()](?=[{HAN}])")


def folded(word: str) -> str:
    """A word in small letters of usual width, without accents."""
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark)).casefold()


def levelled(text: str) -> str:
    """A text of the same length to be compared: in small letters of usual width, without accents."""
    return "".join(map(_levelled, text))


def _levelled(character: str) -> str:
    if character.isspace():
        return " "
    return (unicodedata.normalize("NFKD", character)[0].casefold() or character)[0]


def restored(text: str, source: str, words: Iterable[str] = ()) -> str:
    """A text with the words and marks that it has from a source in the source's form.

    Args:
        text: What was written, case, width and accents of it lost.
        source: What it was written of; of several forms of a word the most frequent is taken, of those the
            first.
        words: Words that were asked for; their form goes before that of the source.

    Returns:
        A text of the same length.
    """
    forms: dict[str, Counter[str]] = {}
    for found in WORD.findall(source):
        forms.setdefault(folded(found), Counter())[found] += 1
    wanted = {folded(found): found for word in words for found in WORD.findall(word)}

    def form(match: re.Match[str]) -> str:
        written = match.group()
        name = folded(written)
        best = wanted.get(name) or (forms[name].most_common(1)[0][0] if name in forms else written)
        return best if len(best) == len(written) else written

    def mark(match: re.Match[str]) -> str:
        half, full = match.group(), FULL_WIDTH[match.group()]
        return full if full in source and half not in halves else half

    halves = set(BESIDE_HAN.findall(source))
    return BESIDE_HAN.sub(mark, WORD.sub(form, text))
