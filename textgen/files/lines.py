"""Lines of texts, and of files that are read as a stream, whatever their encoding.

LF, CRLF and CR end a line, everywhere in the project. U+2028, U+2029, U+0085, VT and FF do not: a text may
hold them, and the line numbers of an editor do not count them.

`encoding.decode_bytes` judges a text as a whole. A table of a million rows cannot be held as a whole, and
one broken line must not cost the others.
"""

from __future__ import annotations

import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from textgen.errors import DataError
from textgen.files.encodings.detection import (
    check_binary,
    encoding_by_mark,
    guess_encoding,
    not_text,
    wide_encoding,
)
from textgen.files.encodings.plausibility import utf8_by_chance
from textgen.files.encodings.seven_bit import MARKS, seven_bit_encoding
from textgen.text.blank import MARK
from textgen.text.line_ends import LINE_END

Open = Callable[[], BinaryIO]
Line = tuple[int, "str | DataError"]  # the line's number from 1, and the line or what is wrong with it

ARCHIVES: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open}
SAMPLE = 1 << 16  # bytes
LINES = 100  # by which an encoding is guessed
DOUBTED = 1000  # lines that may be UTF-8 by chance
MOST_NULS = 0.01  # of the bytes of text with some broken lines
LONGEST = 1 << 26  # characters of a line: 64 MiB of ASCII
HANDLER = "textgen-mark"  # an error handler of the codecs
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)  # what a broken archive or disk raises
_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_STRANGE = re.compile("[\ud800-\udfff]")


class BrokenLineError(DataError):
    """A line that is not in the file's encoding.

    Attributes:
        text: The line with marks in the place of what cannot be decoded.
    """

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message, hint="is it damaged?")
        self.text = text


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file, unpacked if its ending is that of an archive. Raises OSError."""
    return cast(BinaryIO, ARCHIVES.get(path.suffix.lower(), open)(path, "rb"))


def inner_ending(path: Path) -> str:
    """The ending that tells what a file holds: without that of an archive."""
    suffix = path.suffix.lower()
    return path.with_suffix("").suffix.lower() if suffix in ARCHIVES else suffix


def find_encoding(open: Open, name: str) -> str:
    """The encoding of a file of lines.

    A byte-order mark decides; then UTF-8, if at least half the lines beyond ASCII are UTF-8 and not by chance
    (the others are broken); then what those lines look like. ASCII bytes may be HZ or UTF-7.

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
    good, bad, sample, shifted = _evidence(chain([head], blocks))
    if shifted and not (good or bad) and (encoding := seven_bit_encoding(b"\n".join(shifted), name)):
        return encoding
    return "utf-8" if good >= bad else guess_encoding(sample, name)


def lines_in(text: str) -> list[str]:
    """The lines of a text, without their ends and byte-order marks, blank ones too.

    Args:
        text: Any text.
    """
    lines = [line.replace(MARK, "") for line in LINE_END.split(text)]
    return lines if lines[-1] else lines[:-1]  # the last one ends the text, or has begun nothing


def line_text(line: str | DataError) -> str:
    """The line as far as it can be read: a row has its ends there even where some of it is broken."""
    if isinstance(line, BrokenLineError):
        return line.text
    return "" if isinstance(line, DataError) else line


def lines_of(open: Open, encoding: str, name: str) -> Iterator[Line]:
    """The lines of a file with their ends, blank ones too, without byte-order marks at their beginnings.

    A line that is no text, or has more than `LONGEST` characters, becomes a DataError, and so does what
    comes behind damage.

    Args:
        open: Opens the file.
        encoding: From `find_encoding`.
        name: What messages call it.

    Raises:
        DataError: Nothing can be read at all.
    """
    number = 0
    try:
        with open() as stream:
            for number, line in _checked(_split(_decoded(stream, encoding)), encoding):
                yield number, line
    except DAMAGED as error:
        if not number:
            raise damaged(error, name) from None
        yield number + 1, damaged(error, f"{name}, behind line {number}")


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The text of a stream, block by block, up to damage."""
    decoder = codecs.getincrementaldecoder(encoding)(HANDLER)
    while block := stream.read1(SAMPLE):  # type: ignore[attr-defined]
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _split(blocks: Iterable[str]) -> Iterator[str | None]:
    """The lines of a text that comes in blocks, with their ends; None for one that is too long."""
    begun: list[str] = []  # joined once, so that a long line costs no more than it is long
    size = 0
    for block in _whole_ends(blocks):
        for part in _LINE.findall(block):
            size += len(part)
            if size > LONGEST + len("\r\n"):
                begun = []
            else:
                begun.append(part)
            if part[-1] in "\r\n":
                yield "".join(begun) if begun else None
                begun, size = [], 0
    if size:
        yield "".join(begun) if begun else None


def _whole_ends(blocks: Iterable[str]) -> Iterator[str]:
    """The blocks such that none ends between CR and LF."""
    held = ""
    for block in blocks:
        block = held + block
        held = "\r" if block.endswith("\r") else ""
        yield block.removesuffix(held)
    yield held


def _checked(lines: Iterable[str | None], encoding: str) -> Iterator[Line]:
    """The lines with their numbers, and what is wrong with those that are no text."""
    for number, line in enumerate(lines, 1):
        if line is None:
            yield number, _too_long(number)
        elif _STRANGE.search(line):
            yield number, BrokenLineError(f"line {number} is not {shown(encoding)}", line)
        elif "\0" in line:
            yield number, BrokenLineError(f"line {number} is not text", line)
        else:
            yield number, line.replace(MARK, "")  # files that were joined have marks within


def _too_long(number: int) -> DataError:
    message = f"line {number} is too long: it has more than {LONGEST:,} characters"
    return DataError(message, hint="is it text? line ends tell rows apart")


def damaged(error: BaseException, name: str) -> DataError:
    """The error for a file that cannot be read, or not to its end."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{name} does not exist", hint="check the spelling of the path")
    reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
    return DataError(f"{name} cannot be read: {reason}", hint="is it whole?")


def shown(encoding: str) -> str:
    """The spelling of an encoding in messages."""
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


def _evidence(blocks: Iterable[bytes]) -> tuple[int, int, list[bytes], list[bytes]]:
    """The evidence for an encoding.

    Returns:
        How many lines beyond ASCII are UTF-8, and how many are not, or by chance; the first of those; and the
        first lines in ASCII that may be in an encoding with seven bits.
    """
    good, bad, sample, shifted = 0, 0, list[bytes](), list[bytes]()
    for line in _byte_lines(blocks):
        if line.isascii():
            if len(shifted) < LINES and any(mark in line for mark in MARKS):
                shifted.append(line)
            continue
        verdict = _verdict(line) if good + bad < DOUBTED or not _is_utf8(line) else "no"
        good += verdict == "no"
        bad += verdict == "yes"
        if verdict == "yes" and len(sample) < LINES:
            sample.append(line)
    return good, bad, sample, shifted


def _verdict(line: bytes) -> str:
    """Whether a line is no UTF-8, or is it by chance: `yes`, `no` or `perhaps`."""
    return utf8_by_chance(line) if _is_utf8(line) else "yes"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _byte_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of bytes in an encoding where CR and LF are never part of a character, without their ends.

    CRLF gives a blank line more. Of a long line only the beginning is kept.
    """
    begun: list[bytes] = []
    size = 0
    for block in blocks:
        first, *others = block.replace(b"\r", b"\n").split(b"\n")
        if size < LONGEST:
            begun.append(first)
            size += len(first)
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun, size = [others[-1]], len(others[-1])
    yield b"".join(begun)


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Put a lone surrogate for what cannot be decoded: no text has one, so that the line can be told."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", max(error.end, error.start + 1)


codecs.register_error(HANDLER, _mark)
