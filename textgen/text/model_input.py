"""Texts as a model reads them, and the way back from what it wrote to the text as it was typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from textgen.text.diff import Anchor, Change, changes_between
from textgen.text.emoji import without_emoji
from textgen.text.forms import LAST_WORD, levelled, restored
from textgen.text.normalize import Kept, cleaned
from textgen.text.traditional import (
    as_typed,
    has_traditional,
    is_traditional,
    settled,
    simplified,
    with_words,
)


@dataclass(frozen=True)
class Reading:
    """A text as a model reads it.

    Attributes:
        source: The text as it was given.
        text: What is read of it.
        places: For every character read, its offset in the source.
        traditional: Whether the source is in traditional characters, and what is read in simplified ones.
        lossy: Whether what is written of it may have lost case, width and accents.
    """

    source: str
    text: str
    places: Sequence[int]
    traditional: bool = False
    lossy: bool = False

    def part(self, start: int, end: int | None = None) -> Reading:
        """The reading of a part of what is read."""
        return replace(self, text=self.text[start:end], places=self.places[start:end])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place of `text[start:end]` in the source; what is empty stands behind what is before it."""
        if start < end:
            return self.places[start], self.places[end - 1] + 1
        place = self.places[start - 1] + 1 if start else 0
        return place, place

    def given_back(
        self, text: str, words: Sequence[str] = (), listed: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """A text that a model wrote of this one, in the characters of the source and of the words.

        Args:
            text: In the characters that were read.
            words: What it holds, as that was typed.
            listed: Texts as they were typed, by how the model writes them; if there are any, it is one.

        Returns:
            A text of the same length, or the listed one.
        """
        if listed:
            return listed.get(text, text)
        if self.lossy:
            text = restored(text, self.source, words)
        if self.traditional:
            return as_typed(text, "".join(self.source[place] for place in self.places), words)
        words = [word for word in words if has_traditional(word)]
        return with_words(text, text, words) if words else text

    def settled(self, text: str) -> int:
        """The length of the part of a text still being written that `given_back` will not change any more."""
        end = settled(text) if self.traditional else len(text)
        if self.lossy:
            # a word may go on, and a mark's form depends on what follows it
            word = LAST_WORD.search(text)
            end = min(end, word.start() if word else max(0, len(text) - 1))
        return end

    def found(self, word: str) -> list[range]:
        """The places of what is read of a word of the source, wherever that has it."""
        found = []
        at = self.source.find(word) if word else -1
        while at >= 0:
            inside = [n for n, place in enumerate(self.places) if at <= place < at + len(word)]
            if inside:
                found.append(range(inside[0], inside[-1] + 1))
            at = self.source.find(word, at + 1)
        return found

    def edited(self, text: str, anchors: Iterable[Anchor] = ()) -> tuple[str, list[Change]]:
        """The source with the edits that make the text of what was read.

        All else stays as it was typed: indentation, line ends, emoji and what has no width stand where
        they stood.

        Args:
            text: What became of what was read.
            anchors: Stretches known to have stayed; see `changes_between`.

        Returns:
            The source as edited, and the changes of it.
        """
        written = self.given_back(text)
        read = self.text
        if self.lossy:  # a form that was lost is no edit
            read, text = levelled(read), levelled(restored(text, self.source))
        edited, at = "", 0  # and how far the source was taken over
        found = []
        for change in changes_between(read, text, anchors):
            first, last = self._stretch(change.source_start, change.source_end)
            edited += self.source[at:first]
            start = len(edited)
            edited += "".join(self._replaced(change, written[change.start : change.end]))
            found.append(Change(first, last, start, len(edited)))
            at = last
        return edited + self.source[at:], found

    def _stretch(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the source that an edit of `text[start:end]` replaces."""
        if start == end and start < len(self.places) and (start == 0 or self.text[start - 1] == "\n"):
            return self.places[start], self.places[start]  # behind an indentation
        return self.span(start, end)

    def _replaced(self, change: Change, new: str) -> Iterable[str]:
        """The parts that replace a stretch, with what had not been read inside it in its place there."""
        old = range(change.source_start, change.source_end)
        done = 0
        for place in old[1:]:
            if beside := self.source[self.places[place - 1] + 1 : self.places[place]]:
                upto = round((place - old.start) * len(new) / len(old))
                yield new[done:upto]
                yield beside
                done = upto
        yield new[done:]


def as_read(
    text: str,
    *,
    keep_layout: bool = False,
    emoji: bool = False,
    traditional: bool = False,
    lossy: bool = False,
) -> Reading:
    """Read a text as a model does.

    Args:
        text: The text as it was given.
        keep_layout: Do not clean it (see `clean`).
        emoji: They stay; those models that come with textgen know none.
        traditional: The model knows traditional characters, which stay.
        lossy: Its tokenizer loses case, width or accents.
    """
    kept = Kept(text, range(len(text))) if emoji else without_emoji(text)
    if not keep_layout:
        kept = kept.then(cleaned(kept.text))
    if traditional or not is_traditional(kept.text):
        return Reading(text, kept.text, kept.places, lossy=lossy)
    return Reading(text, simplified(kept.text), kept.places, traditional=True, lossy=lossy)
