"""All texts that are one paraphrase away from a text.

Each condition is the same for a text and for what becomes of it, so that every way has its way back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from textgen.text.paraphrase.lexicon import Lexicon
from textgen.text.paraphrase.locked_text import LockedText, carries, carrying

_PREPOSITIONS = "在因由"
_BINDING = "的地得在因由于为被把给对向受"
_COMMAS = ("，", ",")
_COMMA_FOLLOWS = re.compile("[^。！？!?；;\n]*[，,]")


def ways(text: LockedText, lexicon: Lexicon) -> list[LockedText]:
    """The texts one paraphrase away, in a fixed order, each as often as there are ways to it.

    Args:
        text: The text.
        lexicon: Words and patterns.
    """
    patterns = (pattern.ways(text) for pattern in lexicon.patterns)
    return [*_exchanges(text, lexicon), *chain.from_iterable(patterns)]


def _exchanges(text: LockedText, lexicon: Lexicon) -> Iterator[LockedText]:
    """The texts in which a word, or a run of words, has become another of its group."""
    string = text.string
    for start in text.borders:
        for stop in text.borders_behind(start, lexicon.longest):
            for group in lexicon.groups_of.get(string[start:stop], ()):
                locked = text.locked_inside(start, stop)
                if locked is None or not _stands(string, start, stop, group):
                    continue
                fitting = [word for word in group if carries([word], locked)]
                for other in fitting if string[start:stop] in fitting else ():
                    if other == string[start:stop]:
                        continue
                    way = text.rebuilt(range(start, stop), list(carrying(other, locked)))
                    end = start + len(other)
                    if _stands(way.string, start, end, group) and way.is_border(start) and way.is_border(end):
                        yield way


def _stands(string: str, start: int, stop: int, group: tuple[str, ...]) -> bool:
    """Whether a word of a group stands there as itself.

    It does not inside a longer word of the group, as 来自 in 来自于, nor beside its own first or last
    character, as 常 in 常常. Nor does a phrase with a preposition behind 的 or another preposition, as 在会上
    in 昨天的在会上, nor 由于 in a clause behind all others.
    """
    word, before = string[start:stop], string[start - 1 : start]
    if before == word[0] or string[stop : stop + 1] == word[-1]:
        return False
    if word[0] in _PREPOSITIONS and before and before in _BINDING:
        return False
    if word.startswith("由于") and before in _COMMAS and not _COMMA_FOLLOWS.match(string, stop):
        return False
    for longer in group:
        at = longer.find(word)
        while len(longer) > len(word) and at >= 0:
            if string.startswith(longer, start - at) and start >= at:
                return False
            at = longer.find(word, at + 1)
    return True
