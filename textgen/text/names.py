"""Names and words as they look: of columns, fields, labels, keywords."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

# controls, soft hyphens, marks of direction, zero-width spaces and joints, byte-order marks
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_JOINERS = "\u200c\u200d"  # join the parts of an emoji; at an end there is nothing to join
_NO_BREAK = re.compile("[\xa0\u2007\u202f]")


@lru_cache(maxsize=4096)
def clean_name(name: str) -> str:
    """A name or word without what nobody sees in it, so that what looks the same is the same.

    Characters without width go (byte-order marks, zero-width spaces, soft hyphens, marks of direction,
    controls), a no-break space becomes a blank, and white space at both ends goes. Joiners within an emoji
    stay.

    Args:
        name: The name of a column or a field, a label, a keyword.
    """
    seen = _NO_BREAK.sub(" ", _INVISIBLE.sub("", name)).strip()
    while (inner := seen.strip(_JOINERS).strip()) != seen:
        seen = inner
    return seen


def repeated(names: Iterable[str]) -> str | None:
    """The first name that is there more than once."""
    return next((name for name, times in Counter(names).items() if times > 1), None)


def printable(name: str) -> str:
    """A name that can be written as UTF-8; lone surrogates in it are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()
