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
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from textgen.errors import DataError
from textgen.text.encoding import check_binary, encoding_by_mark, guess_encoding, not_text, wide_encoding

Open = Callable[[], BinaryIO]
Line = tuple[int, "str | DataError"]  # the line's number from 1, and the line or what is wrong with it

SAMPLE = 1 << 16  # bytes
LINES = 100  # by which an encoding is guessed
MOST_NULS = 0.01  # of the bytes of text with some broken lines
MARK = "textgen-mark"  # an error handler of the codecs
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)  # what a broken archive or disk raises
_STRANGE = re.compile("[\ud800-\udfff]")


class BrokenLineError(DataError):
    """A line that is not in the file's encoding.

    Attributes:
        text: The line with marks in the place of what cannot be decoded.
    """

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message, hint="is it damaged?")
        self.text = text


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
    blocks = _blocks(open, name)
    head = next(blocks, b"")
    if encoding := encoding_by_mark(head):
        return encoding
    while not head.strip():
        if not (block := next(blocks, b"")):
            raise DataError(f"{name} is empty", hint="it needs at least one line")
        head = block
    check_binary(head, name)
    if b"\0" in head:
        if wide := wide_encoding(head):
            return wide
        if head.count(b"\0") > MOST_NULS * len(head):
            raise not_text(name)
    good, bad, sample = _beyond_ascii(chain([head], blocks))
    return "utf-8" if good >= bad else guess_encoding(sample, name)


def lines_of(open: Open, encoding: str, name: str) -> Iterator[Line]:
    """The lines of a file with their ends, blank ones too.

    A line that is no text becomes a DataError, and so does what comes behind damage.

    Raises:
        DataError: Nothing can be read at all.
    """
    number = 0
    try:
        with open() as stream, io.TextIOWrapper(stream, encoding, errors=MARK, newline="\n") as text:
            for number, line in enumerate(text, 1):
                if _STRANGE.search(line):
                    yield number, BrokenLineError(f"line {number} is not {shown(encoding)}", line)
                elif "\0" in line:
                    yield number, BrokenLineError(f"line {number} is not text", line)
                else:
                    yield number, line
    except DAMAGED as error:
        if not number:
            raise damaged(error, name) from None
        yield number + 1, damaged(error, f"{name}, behind line {number}")


def damaged(error: BaseException, name: str) -> DataError:
    """What to say of a file that cannot be read, or not to its end."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{name} does not exist", hint="check the spelling of the path")
    reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
    return DataError(f"{name} cannot be read: {reason}", hint="is it whole?")


def shown(encoding: str) -> str:
    """How messages spell an encoding."""
    return encoding.removesuffix("-sig").upper()


def _blocks(open: Open, name: str) -> Iterator[bytes]:
    """The bytes of a file, up to damage. Raises DataError if there are none before it."""
    some = False
    try:
        with open() as stream:
            while block := stream.read1(SAMPLE):  # type: ignore[attr-defined]  # up to the damage
                some = True
                yield block
    except DAMAGED as error:
        if not some:
            raise damaged(error, name) from None


def _beyond_ascii(blocks: Iterable[bytes]) -> tuple[int, int, list[bytes]]:
    """How many lines beyond ASCII are UTF-8, how many are not, and the first of those."""
    good, bad, sample = 0, 0, list[bytes]()
    for line in _split(blocks):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            if len(sample) < LINES:
                sample.append(line)
    return good, bad, sample


def _split(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of blocks, without their ends."""
    begun: list[bytes] = []  # joined once, so that a long line costs no more than it is long
    for block in blocks:
        first, *others = block.split(b"\n")
        begun.append(first)
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun = [others[-1]]
    yield b"".join(begun)


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Put a lone surrogate for what cannot be decoded: no text has one, so that the line can be told."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", max(error.end, error.start + 1)


codecs.register_error(MARK, _mark)
