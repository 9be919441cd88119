"""Encodings that write Chinese with ASCII bytes, so that what they write passes for ASCII."""

from __future__ import annotations

import re

from textgen.errors import DataError
from textgen.files.encodings.frequency import beyond_ascii_share
from textgen.files.encodings.plausibility import EVERYDAY, LEAST, chinese_share

# what shifts to another set of characters in ISO-2022-CN, -JP, and -KR
_ISO_2022 = re.compile(rb"\x1b\$(?:[@AB]|[()*+][A-I@])")
# where Chinese stands in a text; RFC 1843 and RFC 2152
_SHIFTED = {
    "hz": re.compile(rb"~\{[\x21-\x7e]+?(?:~\}|$)", re.MULTILINE),
    "utf-7": re.compile(rb"\+[A-Za-z0-9+/]{2,}-?"),
}
MARKS = (b"\x1b$", b"~{", b"+")  # a text in one of these encodings has one of them


def seven_bit_encoding(data: bytes, name: str) -> str | None:
    """The encoding of ASCII bytes if they are Chinese in HZ or UTF-7; None if they are ASCII.

    Args:
        data: ASCII bytes, or a sample of them.
        name: What messages call them.

    Raises:
        DataError: They are ISO-2022, which is not read.
    """
    if _ISO_2022.search(data):
        hint = "convert it to UTF-8 first, for example with iconv -f ISO-2022-CN (or -JP, -KR)"
        raise DataError(f"{name} is in ISO-2022, an encoding that is not supported", hint=hint)
    for encoding, shifted in _SHIFTED.items():
        text = " ".join(filter(None, (_read(part, encoding) for part in shifted.findall(data))))
        if text and beyond_ascii_share(text) >= EVERYDAY and chinese_share(text) >= LEAST:
            return encoding
    return None


def _read(part: bytes, encoding: str) -> str:
    """A shifted part; empty if it is none."""
    try:
        return part.decode(encoding)
    except UnicodeDecodeError:
        return ""
