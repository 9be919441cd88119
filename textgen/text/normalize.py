"""The default cleaning of a text, and what must hold before a model reads it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from textgen.errors import DataError
from textgen.text.line_ends import INNER_BREAK, LINE_END

_SPACE = re.compile(f"\t|{INNER_BREAK.pattern}")  # what becomes one
_CONTROLS = "".join(c for c in map(chr, range(0xA0)) if unicodedata.category(c) == "Cc" and c not in "\n\t")
_INVISIBLE = re.compile(f"[{re.escape(_CONTROLS)}\ufeff\u200b\u00ad]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Cleans a text the way the models' training text was: paragraphs joined by single newlines.

    All line ends become a newline and blank lines go; tabs and breaks within a line (such as U+2028 and the
    vertical tab of word processors) become spaces; lines lose the white space at both ends (U+3000 and
    U+00A0 too); control characters, byte-order marks, zero-width spaces and soft hyphens go. Full-width
    letters, inner spaces, case and emoji joiners stay.

    Args:
        text: Any text.

    Returns:
        The cleaned text, without a newline at its end; empty if there was only white space.
        Cleaning it once more changes nothing.
    """
    text = _SPACE.sub(" ", LINE_END.sub("\n", text))
    text = _INVISIBLE.sub("", text)
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class Kept:
    """The rest of a text from which characters were taken, and where they stood.

    Attributes:
        text: What is left.
        places: For every character of it, its offset in the text as it was given.
    """

    text: str
    places: Sequence[int]

    def then(self, later: Kept) -> Kept:
        """The rest after a second step, with its offsets in the text that was given to the first."""
        return Kept(later.text, [self.places[place] for place in later.places])


def cleaned(text: str) -> Kept:
    """Cleans a text as `clean` does, and tells where each character stood."""
    left = clean(text)
    if left == text:
        return Kept(text, range(len(text)))
    # cleaning deletes and replaces one character by one, so that what is left can be looked up in order
    places = []
    place = 0
    for character in left:
        while not _became(text[place], character):
            place += 1
        places.append(place)
        place += 1
    return Kept(left, places)


def _became(before: str, after: str) -> bool:
    if after == "\n":
        return before in "\r\n"
    return before == after or (after == " " and bool(_SPACE.match(before)))


def split_headline(text: str) -> tuple[str, str]:
    """Splits a text into its first line and the rest.

    Args:
        text: A cleaned text.

    Returns:
        The first line and all that follows it, without the newline between them.

    Raises:
        DataError: Nothing follows the first line.
    """
    headline, _, rest = text.partition("\n")
    if not rest.strip():
        raise DataError(
            "nothing remains after the first line", hint="do not skip the first line of this text"
        )
    return headline, rest


def check_encodable(text: str, *, name: str = "text") -> None:
    """Checks that a text can be written as UTF-8.

    Args:
        text: Any text.
        name: What the message calls it.

    Raises:
        DataError: There is a lone surrogate; the message gives the first one's position (from 1).
    """
    if found := _SURROGATE.search(text):
        values = {"name": name, "code": f"U+{ord(found[0]):04X}", "place": found.start() + 1}
        hint = "remove it, or read the text again in its true encoding"
        raise DataError("{name} has a lone surrogate ({code}) at character {place}", hint=hint, **values)
