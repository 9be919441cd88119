"""Whether a text is JSON, told by how it begins."""

from __future__ import annotations

import re

from textgen.files.encodings.detection import encoding_by_mark, wide_encoding
from textgen.text.blank import MARK
from textgen.text.line_ends import LINE_END

# an object with a key, or an array of them; an article may well begin with a bracket
_OBJECT = re.compile(r'(\[\s*)?\{\s*"[^"]*"\s*:')


def json_at_head(head: bytes) -> str | None:
    """What a text holds if it is JSON: `JSON lines` or `JSON`.

    Args:
        head: Its beginning, in any encoding.
    """
    encoding = encoding_by_mark(head) or (wide_encoding(head) if b"\0" in head else None) or "latin-1"
    text = head.decode(encoding, "ignore").lstrip(f"{MARK} \t\r\n")
    found = _OBJECT.match(text)
    if found is None:
        return None
    first = LINE_END.split(text, maxsplit=1)[0].rstrip()
    return "JSON lines" if not found[1] and first.endswith("}") else "JSON"
