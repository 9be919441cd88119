"""的, 地 and 得 by the parts of speech beside them: models learnt from texts that confuse the three."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from textgen.text.words import tagged_words

Particle = Literal["adverbial", "complement", "other"]

_MANNERS = ("a", "d", "z", "b", "i")  # how something is done
_DEGREES = ("a", "d", "z")  # how well it is done
_INTENSIFIERS = frozenset("很真太")  # which jieba often takes for nouns
_ASPECTS = ("ul", "uz", "ug")  # 了, 着, 过: what is before them is a verb


def particles(text: str) -> Iterator[tuple[int, str, Particle]]:
    """Yield what may be meant by particles of a text: a place, what was meant there, and why.

    `adverbial` is 地 between how something is done and the verb, `complement` 得 between a verb and how well
    it is done; `other` is what hardly anybody confuses, as 的 for 地 before a verb.

    Args:
        text: As it was written.
    """
    tagged = [*tagged_words(text), ("", ""), ("", "")]
    at = 0
    for n, ((word, tag), (particle, _)) in enumerate(pairwise(tagged[:-2])):
        at += len(word)
        (behind, next_tag), (_, further) = tagged[n + 2 : n + 4]
        acts = next_tag.startswith("v")
        if particle == "的":
            if tag.startswith(_MANNERS) and acts and (next_tag != "vn" or further in _ASPECTS):
                yield at, "地", "adverbial"
            degree = next_tag.startswith(_DEGREES) or behind[:1] in _INTENSIFIERS
            if tag.startswith(("v", "a")) and behind and degree:
                yield at, "得", "complement"
        elif particle == "地" and acts:
            yield at, "的", "other"
