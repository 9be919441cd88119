"""The lines of a file that is read as a stream, whatever its encoding; a line that is no text is told.

`encoding.decode_bytes` judges a text as a whole. A table of a million rows cannot be held as a whole, and
one broken line must not cost the others.
"""

from __future__ import annotations

import codecs
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from textgen.errors import DataError
from textgen.text.encoding import check_binary, encoding_by_mark, guess_encoding

Open = Callable[[], BinaryIO]
Line = tuple[int, "str | DataError"]  # the line's number from 1, and the line or what is wrong with it

SAMPLE = 1 << 16  # bytes
MARK = "textgen-mark"  # an error handler of the codecs
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)  # what a broken archive or disk raises
_STRANGE = re.compile("[\ud800-\udfff]")


def find_encoding(open: Open, name: str) -> str:
    """The encoding of a file of lines.

    A byte-order mark decides; then UTF-8, if at least half the lines beyond ASCII are UTF-8 (the others are
    broken); then what those lines look like.

    Args:
        open: Opens the file.
        name: What messages call it.

    Raises:
        DataError: It is empty, binary, unreadable, or in no encoding that can be found.
    """
    try:
        with open() as stream:
            head = stream.read(SAMPLE)
            if not head.strip():
                raise DataError(f"{name} is empty", hint="it needs at least one line")
            if encoding := encoding_by_mark(head):
                return encoding
            check_binary(head, name)
            if b"\0" in head:  # UTF-16 without a mark, or no text at all
                return guess_encoding(head[: len(head) // 2 * 2], name)
            good, bad = _beyond_ascii(head, stream)
    except DAMAGED as error:
        raise _damaged(error, name) from None
    return "utf-8" if not bad or good >= len(bad) else guess_encoding(b"\n".join(bad), name)


def lines_of(open: Open, encoding: str, name: str) -> Iterator[Line]:
    """The lines of a file with their ends, blank ones too.

    A line that is not in the encoding becomes a DataError, and so does what comes behind damage.

    Raises:
        DataError: Nothing can be read at all.
    """
    number = 0
    try:
        with open() as stream, io.TextIOWrapper(stream, encoding, errors=MARK, newline="\n") as text:
            for number, line in enumerate(text, 1):
                if _STRANGE.search(line):
                    yield number, DataError(f"line {number} is not {shown(encoding)}", hint="is it damaged?")
                else:
                    yield number, line
    except DAMAGED as error:
        if not number:
            raise _damaged(error, name) from None
        yield number + 1, _damaged(error, f"{name}, behind line {number}")


def shown(encoding: str) -> str:
    """How messages spell an encoding."""
    return encoding.removesuffix("-sig").upper()


def _beyond_ascii(head: bytes, stream: BinaryIO) -> tuple[int, list[bytes]]:
    """How many lines beyond ASCII are UTF-8, and a sample of those that are not."""
    good, bad, size = 0, list[bytes](), 0
    rest = head
    while rest:
        *lines, rest = rest.split(b"\n")
        block = stream.read(SAMPLE)
        if not block:
            lines.append(rest)
        rest = rest + block if block else b""
        for line in lines:
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                good += 1
            except UnicodeDecodeError:
                bad.append(line if size < SAMPLE else b"")
                size += len(line)
    return good, bad


def _damaged(error: BaseException, name: str) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{name} does not exist", hint="check the spelling of the path")
    reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
    return DataError(f"{name} cannot be read: {reason}", hint="is it whole?")


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Put a lone surrogate for what cannot be decoded: no text has one, so that the line can be told."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", max(error.end, error.start + 1)


codecs.register_error(MARK, _mark)
