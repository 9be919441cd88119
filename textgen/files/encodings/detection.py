"""Detection of the encoding of a text; binary data is refused."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textgen.errors import DataError
from textgen.files.encodings import plausibility
from textgen.files.encodings.plausibility import beyond_ascii_share, chinese_share, utf8_by_chance
from textgen.files.lines import DAMAGED, SAMPLE, Open, byte_lines, damaged, shown
from textgen.text.blank import MARK, is_blank

if TYPE_CHECKING:
    from pathlib import Path

# such that Python's codec reads the mark off; UTF-32 first: its little-endian mark begins with that of UTF-16
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WIDE = ("utf-16-le", "utf-16-be")
_NARROW = ("utf-8", "gb18030", "cp950", "big5hkscs")  # of several that fit alike, the first
_SHIFTS = re.compile(rb"\x1b\$|~\{|\+")  # a text in an encoding with seven bits has one of them
_ISO_2022 = re.compile(rb"\x1b\$(?:[@AB]|[()*+][A-I@])")
_SEVEN_BITS = ("hz", "utf-7")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MAX_CONTROLS = 0.1  # colour codes of a terminal log stay below this
_MAX_NULS = 0.01  # of the bytes of text with some broken lines
_MAX_STRANGE = 0.05  # private, unassigned and control characters in a guessed text
_CHINESE = 0.7  # least share of common characters in Chinese text; mistaken text scores about 0.3
_SURE = 0.4  # chardet's confidence in Korean and Japanese; for short Chinese texts it is below
_DOUBTED = 1000  # lines that may be UTF-8 by chance
# what chardet tells by few letters, or none
_WEAK = ("", "image/bmp", "audio/mpeg", "application/octet-stream")


def read_text(path: Path) -> str:
    """Reads a text file in any encoding `find_encoding` knows.

    Args:
        path: The file; messages show it just as given.

    Returns:
        The text, with the line ends it has and without a byte-order mark.

    Raises:
        DataError: The file is missing, not readable, empty, or not text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise damaged(error, str(path)) from None
    return decode_bytes(data, name=str(path))


def decode_bytes(data: bytes, *, name: str = "input") -> str:
    """Decodes text whose encoding nobody stated.

    Args:
        data: The whole text as bytes.
        name: What messages call it, usually the path as typed.

    Returns:
        The text, with the line ends it has and without byte-order marks where lines begin.

    Raises:
        DataError: It is empty, binary, damaged, or in no encoding that can be found.
    """
    encoding = _encoding(data, [data], name)
    try:
        text = data.decode(encoding.removesuffix("-sig"))
    except UnicodeDecodeError as error:
        message = "{name} cannot be decoded: byte {byte} is not {encoding}"
        values = {"name": name, "byte": error.start + 1, "encoding": shown(encoding)}
        raise DataError(message, hint="convert it to UTF-8 first, for example with iconv", **values) from None
    text = text.replace(MARK, "")  # files that were joined have marks within
    if "\0" in text or len(_CONTROL.findall(text)) > _MAX_CONTROLS * len(text):
        raise _not_text(data, name)
    if is_blank(text):
        raise DataError("{name} is empty", name=name, hint="it needs at least one line of text")
    return text


def find_encoding(open: Open, name: str) -> str:
    """The encoding of a file of lines; some of them may be damaged.

    A byte-order mark decides; then UTF-16, which has NULs; then UTF-8, if at least half the lines beyond
    ASCII are UTF-8 and not by chance; then Chinese encodings in which the others are common Chinese, and
    chardet's verdict. ASCII bytes may be HZ or UTF-7.

    Args:
        open: Opens the file.
        name: What messages call it.

    Raises:
        DataError: It is empty, binary, unreadable, or in no encoding that can be found.
    """
    try:
        with open() as stream:
            head = stream.read1(SAMPLE)  # type: ignore[attr-defined]  # up to damage
    except DAMAGED as error:
        raise damaged(error, name) from None
    return _encoding(head, byte_lines(open), name)


def _encoding(head: bytes, lines: Iterable[bytes], name: str) -> str:
    if encoding := encoding_by_mark(head):
        return encoding
    if b"\0" in head:
        if wide := wide_encoding(head):
            return wide
        if head.count(b"\0") > _MAX_NULS * len(head):
            raise _not_text(head, name)
    good, bad, sample, shifted = _evidence(lines, name)
    if not bad:
        return "utf-8" if good else _seven_bits(shifted, name)
    shares = {one: _common_share(sample, one) for one in _NARROW}
    # short Big5 can look like UTF-16 as well
    if (wide := wide_encoding(head)) and _wide_share(head, wide) > max(shares.values()):
        return wide
    return "utf-8" if good >= bad else _guess(head, sample, shares, name)


def encoding_by_mark(data: bytes) -> str | None:
    """The encoding that a byte-order mark names."""
    return next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)


def wide_encoding(sample: bytes) -> str | None:
    """The byte order in which a sample is Chinese or ASCII in UTF-16 without a mark, if there is one."""
    best = max(_WIDE, key=lambda one: _wide_share(sample, one))
    return best if _wide_share(sample, best) >= _CHINESE else None


def _wide_share(sample: bytes, encoding: str) -> float:
    return plausibility.common_share(sample[: plausibility.JUDGED].decode(encoding, "ignore"))


def _evidence(lines: Iterable[bytes], name: str) -> tuple[int, int, bytes, bytes]:
    """The evidence for an encoding.

    Returns:
        How many lines beyond ASCII are UTF-8, and how many are not, or by chance; the first of those; and the
        first lines in ASCII that may be in an encoding with seven bits.
    """
    good, bad, sample, shifted, blank = 0, 0, b"", b"", True
    for line in lines:
        blank = blank and not line.strip()
        if line.isascii():
            if len(shifted) < SAMPLE and _SHIFTS.search(line):
                shifted += line
        elif (verdict := _by_chance(line, good + bad < _DOUBTED)) == "yes":
            bad += 1
            sample += line if len(sample) < SAMPLE else b""
        else:
            good += verdict == "no"
    if blank:
        raise DataError("{name} is empty", name=name, hint="it needs at least one line")
    return good, bad, sample, shifted


def _by_chance(line: bytes, doubted: bool) -> str:
    """Whether a line is no UTF-8, or is it by chance: `yes`, `no` or `perhaps`."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return "yes"
    return utf8_by_chance(line) if doubted else "no"


def _seven_bits(sample: bytes, name: str) -> str:
    """The encoding of ASCII bytes: HZ or UTF-7 if they are Chinese in that, else UTF-8."""
    if _ISO_2022.search(sample):
        hint = "convert it to UTF-8 first, for example with iconv -f ISO-2022-CN (or -JP, -KR)"
        raise DataError("{name} is in ISO-2022, an encoding that is not supported", name=name, hint=hint)
    for encoding in _SEVEN_BITS:
        text = sample.decode(encoding, "ignore")
        if beyond_ascii_share(text) >= plausibility.COMMON and chinese_share(text) >= plausibility.LEAST:
            return encoding
    return "utf-8"


def _guess(head: bytes, sample: bytes, shares: dict[str, float], name: str) -> str:
    """The encoding of a file that begins with `head` and has lines that are not UTF-8."""
    kind = _detect(head)[2]
    encoding, confidence, _ = _detect(sample)
    best = max(shares, key=lambda one: (shares[one], one == encoding))
    if kind in _WEAK:
        if encoding in shares or (shares[best] >= _CHINESE and not (encoding and confidence >= _SURE)):
            return best
        if encoding and plausibility.strange_share(sample.decode(encoding, "replace")) <= _MAX_STRANGE:
            return encoding
    raise _not_text(head, name)


def _common_share(sample: bytes, encoding: str) -> float:
    """The share of common characters beyond ASCII; one broken character may show as several marks."""
    return beyond_ascii_share(re.sub("\ufffd+", "\ufffd", sample.decode(encoding, "replace")))


def _detect(data: bytes) -> tuple[str, float, str]:
    """chardet's encoding, if it is a text, and its confidence; else the kind of file."""
    import chardet  # costs start-up time, and UTF-8 never needs it

    verdict = chardet.detect(data, compat_names=False)
    encoding = verdict["encoding"] or ""
    kind = "" if encoding else verdict["mime_type"] or ""
    return encoding.replace("big5hkscs", "cp950"), verdict["confidence"], kind


def _not_text(head: bytes, name: str) -> DataError:
    """The error for a file that is no text."""
    kind = _detect(head)[2]
    message = "{name} is not a text file" if kind in _WEAK else "{name} is not a text file, it is {kind}"
    hint = "give plain text in UTF-8, UTF-16, GBK, GB18030 or Big5; names of packed files end in .gz or .xz"
    return DataError(message, name=name, kind=kind, hint=hint)
