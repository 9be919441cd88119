"""Lines of texts, and of files that are read as a stream, whatever their encoding.

LF, CRLF and CR end a line, everywhere in the project. U+2028, U+2029, U+0085, VT and FF do not: a text may
hold them, and the line numbers of an editor do not count them.

A table of a million rows cannot be held as a whole, and one broken line must not cost the others.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from textgen.errors import DataError
from textgen.messages import Message
from textgen.text.blank import MARK
from textgen.text.line_ends import LINE_END

Open = Callable[[], BinaryIO]
Line = tuple[int, "str | DataError"]  # the line's number from 1, and the line or what is wrong with it

ARCHIVES: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open}
SAMPLE = 1 << 16  # bytes
LONGEST = 1 << 26  # characters of a line: 64 MiB of ASCII
HANDLER = "textgen-mark"  # an error handler of the codecs
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)  # what a broken archive or disk raises
_STRANGE = re.compile("[\ud800-\udfff]")


class BrokenLineError(DataError):
    """A line that is not in the file's encoding.

    Attributes:
        text: The line with marks in the place of what cannot be decoded.
    """

    def __init__(self, message: str, text: str, **values: Any) -> None:
        super().__init__(message, hint="is it damaged?", **values)
        self.text = text


def inner_ending(path: Path) -> str:
    """The ending that tells what a file holds: without that of an archive."""
    suffix = path.suffix.lower()
    return path.with_suffix("").suffix.lower() if suffix in ARCHIVES else suffix


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
        place = Message("{name}, behind line {number}", name=name, number=number)
        yield number + 1, damaged(error, place)


def byte_lines(open: Open) -> Iterator[bytes]:
    """The lines of bytes in an encoding where CR and LF are never part of a character, up to damage.

    Those that are too long are left out.
    """
    with suppress(*DAMAGED), open() as stream:
        for line in _split(_decoded(stream, "latin-1")):
            yield (line or "").encode("latin-1")


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The text of a stream, block by block, up to damage; no block ends between CR and LF."""
    decoder = codecs.getincrementaldecoder(encoding)(HANDLER)
    whole = io.IncrementalNewlineDecoder(decoder, translate=False)
    while block := stream.read1(SAMPLE):  # type: ignore[attr-defined]
        yield whole.decode(block)
    yield whole.decode(b"", final=True)


def _split(blocks: Iterable[str]) -> Iterator[str | None]:
    """The lines of a text that comes in blocks, with their ends; None for one that is too long."""
    begun: list[str] = []  # joined once, so that a long line costs no more than it is long
    size = 0
    for part in chain.from_iterable(io.StringIO(block, newline="") for block in blocks):
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


def _checked(lines: Iterable[str | None], encoding: str) -> Iterator[Line]:
    """The lines with their numbers, and what is wrong with those that are no text."""
    for number, line in enumerate(lines, 1):
        if line is None:
            message = "line {number} is too long: it has more than {most} characters"
            hint = "is it text? line ends tell rows apart"
            yield number, DataError(message, number=number, most=f"{LONGEST:,}", hint=hint)
        elif _STRANGE.search(line):
            values = {"number": number, "encoding": shown(encoding)}
            yield number, BrokenLineError("line {number} is not {encoding}", line, **values)
        elif "\0" in line:
            yield number, BrokenLineError("line {number} is not text", line, number=number)
        else:
            yield number, line.replace(MARK, "")  # files that were joined have marks within


def damaged(error: BaseException, name: str) -> DataError:
    """The error for a file that cannot be read, or not to its end."""
    if isinstance(error, FileNotFoundError):
        return DataError("{name} does not exist", name=name, hint="check the spelling of the path")
    reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
    return DataError("{name} cannot be read: {reason}", name=name, reason=reason, hint="is it whole?")


def shown(encoding: str) -> str:
    """The spelling of an encoding in messages."""
    return encoding.removesuffix("-sig").upper()


def _mark(error: Any) -> tuple[str, int]:
    """Put a lone surrogate for what cannot be decoded: no text has one, so that the line can be told."""
    return "\udcff", max(error.end, error.start + 1)


codecs.register_error(HANDLER, _mark)
