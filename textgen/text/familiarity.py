"""The familiarity of texts: whether they are of the kind that the embedded models know, Chinese prose.

Here is what its characters tell; how it reads as a whole, a language model must say (`judge_bits`).
The bars were set on 965 articles of news, software, science and the web, of which none may be refused and
next to none warned of.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from math import log

from textgen.messages import Message
from textgen.text.traditional import HAN

# kinds of characters, as messages name them
CHINESE, RARE = "common Chinese characters", "rare characters"
KANA, HANGUL, LATIN, OTHER = "Japanese kana", "Hangul", "Latin letters", "letters of other scripts"
DIGITS, MARKS, EMOJI = "digits", "marks and symbols", "emoji and private characters"

# shares of the visible characters below or above which a text is warned of, and refused; the articles:
# least Chinese 0.56, kana and Hangul none, emoji at most 0.01
LEAST_CHINESE = (0.4, 0.1)
MOST_OF = {KANA: (0.05, 0.25), HANGUL: (0.05, 0.25), EMOJI: (0.2, 0.8)}
MOST_RARE = (0.06, 0.3)  # of the Chinese characters; the articles at most 0.016
LEAST_DIFFERENT = (0.25, 0.06)  # of the first Chinese characters, so many differ; the articles 0.53 and more
FIRST = 64  # Chinese characters that are counted so
SHORT = 20  # visible characters below which a text is judged mildly: a name, a term, a line of code
MOST_BITS = (8.8, 10.0)  # a token; the articles at most 8.3, with their characters shuffled 10.6 and more
TOKENS = 48  # so many tokens are scored
FEW_TOKENS = (12, 24)  # with fewer there is no warning, no refusal

TAGS = 2  # of which a text is warned; an article may name one
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_HAN = re.compile(f"[{HAN}]")
# by the number of different characters, the length of a text that has nothing to sum up: 哈哈哈哈 has one in
# four, 春林春林春林 two in six; 一步一步 is a word
MONOTONOUS = {1: 4, 2: 6}


@dataclass(frozen=True)
class Doubt:
    """A doubt that a text is of the kind that the models know.

    Attributes:
        reason: In one line.
        hint: What its user may do.
        refused: Whether nothing good can come of it.
    """

    reason: Message
    hint: str
    refused: bool


def judge_characters(text: str, emoji: int = 0, *, short: bool = True) -> Doubt | None:
    """Judge by its characters whether a text is of the kind that the models know.

    Args:
        text: As the embedded models read it.
        emoji: How many emoji and private characters were left out of it.
        short: Whether short texts are judged mildly: warned of where longer ones are refused.

    Returns:
        What speaks against it; None if nothing does.
    """
    counts = kinds(text, emoji)
    total = counts.total()
    if not total:
        return None
    found = [doubt for doubt in (_foreign(counts, total), _rare(counts), _repeating(text)) if doubt]
    worst = max(found, key=lambda doubt: doubt.refused, default=None)
    if worst and short and total < SHORT:
        worst = replace(worst, refused=False) if worst.refused else None
    return worst or _one_over_and_over(text)


def judge_markup(text: str) -> Doubt | None:
    """Judge whether a text is a piece of a web page, tags and all."""
    tags = _TAG.findall(text)
    if len(tags) < TAGS:
        return None
    reason = Message("the text has {tags} HTML tags", tags=len(tags))
    return Doubt(reason, "give the text without them", refused=False)


def judge_bits(bits: float, tokens: int) -> Doubt | None:
    """Judge by its probability under a language model whether a text reads like Chinese.

    Args:
        bits: A token, of the first tokens.
        tokens: How many these are.
    """
    warned, refused = (bits > bar and tokens >= few for bar, few in zip(MOST_BITS, FEW_TOKENS, strict=True))
    if not warned:
        return None
    template = "the text does not read like Chinese ({bits} bits per token; articles have 2 to 8)"
    reason = Message(template, bits=f"{bits:.1f}")
    return Doubt(reason, "were its characters shuffled, or read in a wrong encoding?", refused)


def bits_of(logprob: float, tokens: int) -> float:
    """Bits a token of a text of this log-probability (natural)."""
    return -logprob / (tokens * log(2))


def kinds(text: str, emoji: int = 0) -> Counter[str]:
    """The number of visible characters of each kind."""
    counts = Counter({EMOJI: emoji})
    for character, count in Counter(text).items():
        if kind := _kind(character):
            counts[kind] += count
    return counts


def _foreign(counts: Counter[str], total: int) -> Doubt | None:
    shares = {kind: count / total for kind, count in counts.items()}
    chinese = shares.get(CHINESE, 0) + shares.get(RARE, 0)
    level = sum(chinese < bar for bar in LEAST_CHINESE)
    kind = max((kind for kind in shares if kind not in (CHINESE, RARE)), key=shares.__getitem__, default="")
    for other, bars in MOST_OF.items():
        if (passed := sum(shares.get(other, 0) > bar for bar in bars)) > level:
            level, kind = passed, other
    if not level:
        return None
    template = "much of the text is not Chinese: {percent} % {kind}"
    if level > 1:
        template = "the text is not Chinese: {percent} % {kind}"
    hint = "the models that come with textgen know Chinese only; {@model} DIR takes one of your own"
    reason = Message(template, percent=f"{100 * shares[kind]:.0f}", kind=kind)
    return Doubt(reason, hint, refused=level > 1)


def _rare(counts: Counter[str]) -> Doubt | None:
    share = counts[RARE] / max(1, counts[RARE] + counts[CHINESE])
    if not (level := sum(share > bar for bar in MOST_RARE)):
        return None
    reason = Message("{percent} % of the Chinese characters are rare ones", percent=f"{100 * share:.0f}")
    return Doubt(reason, "was the text read in a wrong encoding? convert it to UTF-8", level > 1)


def _one_over_and_over(text: str) -> Doubt | None:
    letters = [character for character in text if character.isalnum()]  # Chinese ones, too
    different = len(set(letters))
    least = MONOTONOUS.get(different)
    if least is None or len(letters) < least or not all(map(_HAN.match, letters)):
        return None
    template = "the text repeats itself: {different} different in its {all} characters"
    reason = Message(template, different=different, all=len(letters))
    return Doubt(reason, "give a text with sentences", refused=False)


def _repeating(text: str) -> Doubt | None:
    first = _HAN.findall(text)[:FIRST]
    different = len(set(first))
    share = different / max(1, len(first))
    level = sum(share < bar for bar in LEAST_DIFFERENT) if len(first) >= SHORT else 0
    if not level:
        return None
    template = "the text repeats itself: {different} different in its first {first} Chinese characters"
    reason = Message(template, different=different, first=len(first))
    return Doubt(reason, "give a text with sentences", level > 1)


@cache
def _kind(character: str) -> str | None:
    """The kind of a character; None of white space."""
    if character.isspace():
        return None
    if _HAN.match(character):
        return CHINESE if character.encode("gb2312", "ignore") or character == "〇" else RARE
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if name.startswith(("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA")):
        return KANA
    if name.startswith("HANGUL"):
        return HANGUL
    if category.startswith("L"):
        return LATIN if "LATIN" in name else OTHER
    return DIGITS if category.startswith("N") else MARKS
