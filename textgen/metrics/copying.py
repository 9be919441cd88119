"""Passages of a text that stand in its source."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from textgen.text.length import counted

SHORTEST = 2  # characters of a run that supports something
OTHER = 0xF0000  # runs are compared with every word as one character of the private planes; this is any other
# letters of the scripts that have capitals, and digits, with the separators inside a number; and the
# private planes themselves
_CASED = "0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u052f\u1e00-\u1fff０-９Ａ-Ｚａ-ｚ"
# a separator counts between two digits; looking there from the separator takes linear time, from the digits
# it would take quadratic time on a long run of them
_WORD = re.compile(rf"[{_CASED}](?:[{_CASED}]|(?<=[0-9])[.,](?=[0-9]))*|[\U000f0000-\U0010ffff]")


@dataclass(frozen=True)
class Span:
    """A run of a text, `text[start:end]`, and where the source has it too."""

    start: int
    end: int
    source_start: int
    source_end: int

    def within(self, place: Callable[[int, int], tuple[int, int]]) -> Span:
        """The span for a text of which the source is what was read, which is told by its places there."""
        start, end = place(self.source_start, self.source_end)
        return replace(self, source_start=start, source_end=end)


def copied(text: str, source: str) -> tuple[int, int]:
    """The numbers of characters of the text that occur in the source, and of all; spaces do not count."""
    known = set(source)
    own = counted(text)
    return sum(character in known for character in own), len(own)


def copied_share(text: str, source: str) -> float:
    """The share of a text's characters that occur anywhere in its source.

    Args:
        text: A title, say.
        source: What it was written from.

    Returns:
        From 0 to 1; 0 for a blank text. White space does not count.
    """
    found, total = copied(text, source)
    return found / total if total else 0.0


def support(text: str, source: str) -> list[Span]:
    """Finds the passages of the source that a text repeats.

    The longest run that stands in both is taken first, then the longest of what remains, and so on
    (greedy string tiling: Wise 1993, "String Similarity via Greedy String Tiling"), of equal ones the
    first. A run has two characters or more and never begins or ends inside a word of letters or a
    number, neither in the text nor in the source.

    Args:
        text: A title, say.
        source: What it was written from.

    Returns:
        Runs that do not overlap in the text, in its order, each with the first place where it stands in
        the source.
    """
    names = {word: chr(OTHER + n) for n, word in enumerate(dict.fromkeys(_WORD.findall(text)), 1)}
    ours, starts = _by_words(text, names)
    theirs, source_starts = _by_words(source, names)
    spans = []
    for start, end in _tiles(ours, theirs, starts):
        found = theirs.find(ours[start:end])
        spans.append(
            Span(starts[start], starts[end], source_starts[found], source_starts[found + end - start])
        )
    return sorted(spans, key=lambda span: span.start)


def _by_words(text: str, names: dict[str, str]) -> tuple[str, list[int]]:
    """The text with one character for every word, and where each began; the end of the text comes last."""
    units: list[str] = []
    starts: list[int] = []
    done = 0
    for found in _WORD.finditer(text):
        units += text[done : found.start()], names.get(found.group(), chr(OTHER))
        starts += range(done, found.start() + 1)
        done = found.end()
    units.append(text[done:])
    starts += range(done, len(text) + 1)
    return "".join(units), starts


def _tiles(ours: str, theirs: str, starts: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of `ours` that stand in `theirs` and do not overlap, the longest first."""
    # the longest run from every place; what is covered meanwhile shortens it when its turn comes
    waiting = [(starts[start] - starts[end], start, end) for start, end in _longest_runs(ours, theirs)]
    heapify(waiting)
    taken: list[tuple[int, int]] = []
    while waiting:
        size, start, end = heappop(waiting)
        if -size < SHORTEST:
            return
        after = bisect_right(taken, (start, len(ours)))
        if after and taken[after - 1][1] > start:
            continue
        free = min(end, taken[after][0]) if after < len(taken) else end
        if free < end:
            heappush(waiting, (starts[start] - starts[free], start, free))
            continue
        insort(taken, (start, end))
        yield start, end


def _longest_runs(ours: str, theirs: str) -> Iterator[tuple[int, int]]:
    """From every place of `ours` the longest run that stands in `theirs`."""
    end = 0
    for start in range(len(ours)):
        end = max(end, start)
        while end < len(ours) and ours[start : end + 1] in theirs:
            end += 1
        yield start, end
