"""Traditional characters: models that know the simplified ones alone read texts in these; the way back.

OpenCC (https://github.com/BYVoid/OpenCC) is loaded only for texts that hold traditional characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

SHARE = 0.9  # of the characters that tell, so many are traditional in a traditional text
HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN_RUN = re.compile(f"[{HAN}]+")
_KANA = re.compile("[\u3041-\u30ff]")
# how OpenCC writes what it cannot tell: forms of Taiwan, of Hong Kong, or its own standard
_STANDARDS = (("s2tw", "t2tw"), ("s2hk", "t2hk"), ("s2t", "s2t"))


def has_traditional(text: str) -> bool:
    """Whether there is any traditional character that has another, simplified form."""
    return any(map(_may_be_traditional, set(text))) and simplified(text) != text


def is_traditional(text: str) -> bool:
    """Whether a text is written in traditional characters.

    Only characters that tell count: those with another form in the other script. Some that are common to
    both (后, 干, 里) do not. Nine in ten of them must be traditional: a traditional name does not make a
    simplified text traditional, and mixed texts are not. Nor are texts with more kana than such characters.

    Args:
        text: Any text.
    """
    counts = Counter(text)
    maybe = [character for character in counts if _may_be_traditional(character)]
    if not maybe:
        return False
    traditional = sum(counts[one] for one in maybe if simplified(one) != one)
    only_simplified = sum(count for one, count in counts.items() if _is_only_simplified(one))
    if traditional <= len(_KANA.findall(text)):
        return False
    return traditional >= SHARE * (traditional + only_simplified)


def simplified(text: str) -> str:
    """The text in simplified characters, each where the one it stands for stood."""
    return _converted("t2s", text)


def as_typed(text: str, typed: str, words: Sequence[str] = ()) -> str:
    """Gives a simplified text the traditional form of the text that it was written from.

    Runs of two characters and more that stand in that text come back as they were typed, the longest
    first; so does a single character if it was always typed in one way that is a form of the right one.
    The rest is what OpenCC makes of it, in the forms of Taiwan, Hong Kong or its own standard, whichever
    is the first to agree with the text.

    Args:
        text: In simplified characters.
        typed: What it was written from, in traditional ones.
        words: As typed; they come back so wherever their simplified forms stand, but not within a longer
            run of a text that has them as typed: that shows where 發 belongs, and where 髮.

    Returns:
        A text of the same length.
    """
    source = simplified(typed)
    standard = next(pair for pair in _STANDARDS if pair[1] == "s2t" or _converted(pair[1], typed) == typed)
    found = list(text)
    runs = list[range]()
    for run in _HAN_RUN.finditer(text):
        found[run.start() : run.end()] = _converted(standard[0], run.group())
        for start, end, at in _repeated(text, run.start(), run.end(), source):
            if end - start > 1:
                found[start:end] = typed[at : at + end - start]
                runs.append(range(start, end))
            else:
                found[start] = _single(text[start], found[start], source, typed)
    known = [word for word in words if word in typed]
    others = [word for word in words if word not in typed]
    return with_words(with_words("".join(found), text, known, runs), text, others)


def settled(text: str) -> int:
    """The length of the part that `as_typed` gives back the same whatever is written behind it."""
    return max((run.start() for run in _HAN_RUN.finditer(text) if run.end() == len(text)), default=len(text))


def with_words(text: str, simple: str, words: Sequence[str], runs: Sequence[range] = ()) -> str:
    """Puts words as they were typed where their simplified forms stand.

    Args:
        text: The text.
        simple: The same in simplified characters.
        words: As typed.
        runs: Places in the text; within one that is longer than a word it stays as it is.
    """
    for word in sorted(words, key=len):  # a longer one may hold a shorter
        form = simplified(word)
        at = simple.find(form)
        while form and at >= 0:
            last = at + len(form) - 1
            if not any(at in run and last in run and len(run) > len(form) for run in runs):
                text = text[:at] + word + text[last + 1 :]
            at = simple.find(form, at + len(form))
    return text


def _repeated(text: str, start: int, end: int, source: str) -> Iterator[tuple[int, int, int]]:
    """Stretches of `text[start:end]`, each with its place in the source: the longest that stands there first.

    Single characters come too, whether they stand there or not.
    """
    if start >= end:
        return
    best = (start, start + 1)
    last = start
    for first in range(start, end):
        last = max(last, first + 1)
        while last < end and text[first : last + 1] in source:
            last += 1
        if last - first > best[1] - best[0]:
            best = (first, last)
    if best[1] - best[0] == 1:
        yield from ((place, place + 1, -1) for place in range(start, end))
        return
    yield from _repeated(text, start, best[0], source)
    yield *best, source.find(text[best[0] : best[1]])
    yield from _repeated(text, best[1], end, source)


def _single(character: str, converted: str, source: str, typed: str) -> str:
    """A character that stands alone: as it was typed, if that is the same character as OpenCC makes of it."""
    forms = {form for form, simple in zip(typed, source, strict=True) if simple == character}
    if len(forms) != 1:
        return converted
    [form] = forms
    same = any(_converted(to, form) == _converted(to, converted) for to in ("t2tw", "t2hk"))
    return form if same else converted


def _converted(config: str, text: str) -> str:
    """A text with its Chinese characters converted by OpenCC, without a change of length."""
    return _HAN_RUN.sub(lambda run: _run(_converter(config), run.group()), text)


def _run(converter: Any, text: str) -> str:
    whole: str = converter.convert(text)
    if len(whole) == len(text):
        return whole
    made = ((character, converter.convert(character)) for character in text)
    return "".join(new if len(new) == 1 else old for old, new in made)


@cache
def _converter(config: str) -> Any:
    from opencc import OpenCC

    return OpenCC(config)


@cache
def _may_be_traditional(character: str) -> bool:
    """Whether a Chinese character is not in GB2312, the simplified characters in use."""
    return _HAN_RUN.fullmatch(character) is not None and not character.encode("gb2312", "ignore")


@cache
def _is_only_simplified(character: str) -> bool:
    """Whether a character is in GB2312, and not in Big5, the traditional characters in use."""
    han = _HAN_RUN.fullmatch(character) is not None
    return han and bool(character.encode("gb2312", "ignore")) and not character.encode("big5", "ignore")
