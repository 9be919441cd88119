"""Characters that would steer a terminal or break a line of a log, shown instead of obeyed.

Names, ids, texts and messages come from others. An escape sequence in one of them clears a screen, a newline
forges a line of a log, a bidirectional override makes a name read as another.
"""

from __future__ import annotations

import re

# C0, DEL and C1; marks, embeddings, overrides and isolates of direction, with the deprecated controls behind
# them; the separators of lines and paragraphs; lone surrogates, as of names that are no UTF-8
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")


def visible(text: str, *, keep: str = "") -> str:
    """A text that only shows: each character that would steer is replaced by one other.

    Args:
        text: Any text.
        keep: Those that may pass, such as newlines where a text of several lines is expected.

    Returns:
        The text with control pictures (␛ for an escape) or � in the place of such characters, as long as
        before.
    """
    return _STEERING.sub(lambda found: found[0] if found[0] in keep else _picture(found[0]), text)


def escaped(line: str) -> str:
    """A line of JSON with the same characters as escapes: JSON reads it as the same value."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _picture(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"
