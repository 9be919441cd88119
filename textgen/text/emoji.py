"""Characters that stand beside the words: emoji, private-use characters, and what has no width."""

from __future__ import annotations

import re

from textgen.text.normalize import Kept

# those of the basic plane that are shown as emoji by themselves (Unicode 16, Emoji_Presentation);
# others there, such as ☎ and ♥, are emoji only with the selector U+FE0F behind them
_EMOJI = (
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab"
    "\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c"
    "\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f000-\U0001faff"  # all pictographs, regional indicators and skin tones
)
_SELECTED = "\xa9\xae\u203c\u2049\u2122-\u2bff\u3030\u303d\u3297\u3299"
_NO_WIDTH = (
    "\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # joiners, directions, soft hyphens
    "\u20e3\ufe00-\ufe0f\U000e0000-\U000e01ef"  # keycaps, selectors, tags
)
_PRIVATE = "\ue000-\uf8ff\ufffc\U000f0000-\U0010ffff"
_SHOWN = re.compile(f"[{_SELECTED}](?=\ufe0f)|[{_EMOJI}{_PRIVATE}]")
_BESIDE = re.compile(f"[{_SELECTED}]\ufe0f|[{_EMOJI}{_NO_WIDTH}{_PRIVATE}]")


def without_emoji(text: str) -> Kept:
    """Leaves out emoji with all that joins and shapes them, private-use and zero-width characters.

    Args:
        text: Any text.

    Returns:
        The rest. Of a keycap such as 1️⃣ the digit stays.
    """
    left_out = {place for found in _BESIDE.finditer(text) for place in range(*found.span())}
    if not left_out:
        return Kept(text, range(len(text)))
    places = [place for place in range(len(text)) if place not in left_out]
    return Kept("".join(text[place] for place in places), places)


def emoji_count(text: str) -> int:
    """The number of characters that `without_emoji` leaves out, those without width not counted."""
    return len(_SHOWN.findall(text))
