"""Detection of the encoding of a text; binary data is refused."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textgen.errors import DataError
from textgen.files.encodings.frequency import SAMPLE, beyond_ascii_share, everyday_share, strange_share
from textgen.files.encodings.plausibility import utf8_by_chance
from textgen.files.encodings.seven_bit import seven_bit_encoding
from textgen.text.blank import MARK, is_blank

if TYPE_CHECKING:
    from pathlib import Path

# UTF-32 before UTF-16: the little-endian mark of the one begins with that of the other
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"\x7fELF", "a program"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)
_TEXT_HINT = "give plain text, such as .txt or .jsonl, in UTF-8, UTF-16, GBK, GB18030 or Big5"
_UNPACK_HINT = "unpack it; names of packed files end in .gz or .xz"
_CONVERT_HINT = "convert it to UTF-8 first, for example with iconv"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_CONTROL_BYTE = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_MAX_CONTROLS = 0.1  # colour codes of a terminal log stay below this
_MAX_STRANGE = 0.05  # private, unassigned and control characters in a guessed text
# chardet takes some short Chinese texts for Korean or Japanese, always with a confidence below the
# first, and damaged ones for Greek or Russian, below the second
_SURE = 0.4
_UNSURE = 0.2
_CHINESE = 0.7  # least share of everyday characters in Chinese text; mistaken text scores about 0.3
_CHINESE_CODECS = ("gb18030", "cp950", "big5hkscs")
_WHOLE = 0.5  # least share of the lines of a file that are whole
_FAMILIES = {"utf-8": ("utf-8",), "gb18030": ("gb18030",), "cp950": ("cp950", "big5hkscs")}


def read_text(path: Path) -> str:
    """Reads a text file in any encoding `decode_bytes` knows.

    Args:
        path: The file; messages show it just as given.

    Returns:
        The text, with the line ends it has and without a byte-order mark.

    Raises:
        DataError: The file is missing, not readable, empty, or not text.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", hint="check the spelling of the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a directory", hint="name a text file in it") from None
    except PermissionError:
        raise DataError(f"{path} may not be read: permission denied", hint="check its rights") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path} cannot be read: {reason}", hint="check the path and the disk") from None
    return decode_bytes(data, name=str(path))


def decode_bytes(data: bytes, *, name: str = "input") -> str:
    """Decodes text whose encoding nobody stated.

    A byte-order mark decides; then HZ and UTF-7, which are ASCII bytes; then strict UTF-8, unless a text is
    that by chance and reads as Chinese in GB18030; then UTF-16 without a mark; then chardet's verdict, unless
    that is unsure and the text reads as everyday Chinese in GB18030 or Big5.

    Args:
        data: The whole text as bytes.
        name: What messages call it, usually the path as typed.

    Returns:
        The text, with the line ends it has and without byte-order marks where lines begin.

    Raises:
        DataError: It is empty, binary, damaged, or in no encoding that can be found.
    """
    check_binary(data, name)
    text = _by_mark(data, name)
    if text is None:
        text = _by_utf8(data, name)
    if text is None:
        text = _by_guess(data, name)
    text = text.replace(MARK, "")  # files that were joined have marks within
    if "\0" in text or len(_CONTROL.findall(text)) > _MAX_CONTROLS * len(text):
        raise not_text(name)
    if is_blank(text):
        raise DataError(f"{name} is empty", hint="it needs at least one line of text")
    return text


def check_binary(data: bytes, name: str) -> None:
    """Raise DataError if the data begins as no text does."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            hint = _UNPACK_HINT if "archive" in kind else _TEXT_HINT
            raise DataError(f"{name} is not a text file, it is {kind}", hint=hint)


def encoding_by_mark(data: bytes) -> str | None:
    """The encoding that a byte-order mark names, such that Python's codec reads the mark off."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return "utf-8-sig" if encoding == "utf-8" else encoding[: len("utf-16")]
    return None


def wide_encoding(sample: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, if that is what the sample is.

    Args:
        sample: From the beginning; it may end within a character.
    """
    even = sample[: len(sample) // 2 * 2]
    return _utf16(even) or _utf16(even[:-2])


def guess_encoding(lines: Sequence[bytes], name: str) -> str:
    """The encoding of lines that have no mark and are not UTF-8; some of them may be damaged.

    Args:
        lines: A sample.
        name: What messages call the text.

    Raises:
        DataError: It is in none that can be found.
    """
    shares = {encoding: _share_of_lines(lines, encoding) for encoding in _CHINESE_CODECS}
    best = max(shares, key=shares.__getitem__)
    if shares[best] >= _CHINESE * _WHOLE:
        return best
    sample = b"\n".join(lines)
    encoding = _detect(sample, name)
    if encoding is None:
        raise _unrecognised(sample, name)
    if strange_share(_decode_as(sample, encoding, name)) > _MAX_STRANGE:
        raise not_text(name)
    return encoding


def _share_of_lines(lines: Sequence[bytes], encoding: str) -> float:
    """The share of everyday characters beyond ASCII, times that of the lines that can be decoded."""
    decoded = [text for line in lines if (text := _try(line, encoding)) is not None]
    return beyond_ascii_share("".join(decoded)) * len(decoded) / len(lines)


def not_text(name: str, detail: str = "") -> DataError:
    """The error for a file that is no text."""
    return DataError(f"{name} is not a text file{detail}", hint=_TEXT_HINT)


def _by_mark(data: bytes, name: str) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, name, skipped=len(mark))
    return None


def _strict(data: bytes, encoding: str, name: str, *, skipped: int = 0) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        place = f"byte {skipped + error.start + 1} is not {encoding.upper()}"
        raise DataError(f"{name} cannot be decoded: {place}", hint=_CONVERT_HINT) from None


def _by_utf8(data: bytes, name: str) -> str | None:
    if data.isascii() and (encoding := seven_bit_encoding(data, name)):
        return _strict(data, encoding, name)
    text = _try(data, "utf-8")
    # ASCII in UTF-16 is valid UTF-8 too, full of NULs
    if text is not None and _CONTROL.search(text) and (wide := _utf16(data)):
        return data.decode(wide)
    if text is not None and utf8_by_chance(data) == "yes":
        return _try(data, "gb18030") or text
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _by_guess(data: bytes, name: str) -> str:
    if wide := _utf16(data):
        return data.decode(wide)
    encoding = _detect(data, name)
    if encoding is None:
        raise _unrecognised(data, name)
    text = _decode_as(data, encoding, name)
    if strange_share(text) > _MAX_STRANGE:
        raise not_text(name)
    return text


def _unrecognised(data: bytes, name: str) -> DataError:
    if _CONTROL_BYTE.search(data):
        return not_text(name)
    return DataError(f"{name} is in no encoding that can be recognised", hint=_CONVERT_HINT)


def _decode_as(data: bytes, encoding: str, name: str) -> str:
    family = _FAMILIES.get(encoding, (encoding,))
    for member in family:
        if (text := _try(data, member)) is not None:
            return text
    try:
        return _strict(data, family[0], name)
    except LookupError:
        raise DataError(f"{name} is in {encoding}, which is not supported", hint=_CONVERT_HINT) from None


def _utf16(data: bytes) -> str | None:
    """The byte order in which the data reads as Chinese or ASCII, if there is one.

    chardet takes short Chinese UTF-16 without a mark for binary data.
    """
    if len(data) % 2:
        return None
    shares = {}
    for encoding in ("utf-16-le", "utf-16-be"):
        if _try(data, encoding) is not None:
            # a sample may end within a surrogate pair
            shares[encoding] = everyday_share(data[:SAMPLE].decode(encoding, "ignore"))
    best = max(shares, key=shares.__getitem__, default=None)
    if best is None or shares[best] < _CHINESE:
        return None
    if b"\0" in data:
        return best
    # short Big5 can look like UTF-16 as well
    return best if shares[best] > max(_narrow_shares(data).values()) else None


def _detect(data: bytes, name: str) -> str | None:
    import chardet  # costs start-up time, and UTF-8 never needs it

    verdict = chardet.detect(data)
    encoding = _family(verdict["encoding"])
    shares = _narrow_shares(data)
    # even a sure verdict may name the wrong one of the two Chinese families
    if encoding is None or (encoding not in shares and verdict["confidence"] >= _SURE):
        return encoding
    best = max(shares, key=shares.__getitem__)
    if shares[best] >= _CHINESE:
        tied = encoding in shares and shares[encoding] == shares[best]
        return encoding if tied else best
    if verdict["confidence"] < _UNSURE:
        _refuse_damaged(data, name)
    return encoding


def _refuse_damaged(data: bytes, name: str) -> None:
    """Refuses Chinese text with a few broken bytes, of which chardet would make Greek or Russian."""
    for encoding, family in _FAMILIES.items():
        if any(_try(data, member) is not None for member in family):
            continue
        # one broken character may show as several replacement marks
        text = re.sub("\ufffd+", "\ufffd", data.decode(encoding, "replace"))
        if beyond_ascii_share(text) >= _CHINESE:
            _strict(data, encoding, name)


def _family(encoding: str | None) -> str | None:
    """The superset that decodes all of a Chinese family; other names unchanged."""
    lowered = (encoding or "").lower()
    if lowered.startswith("gb") or lowered in ("cp936", "euc-cn"):
        return "gb18030"
    if lowered.startswith("big5") or lowered == "cp950":
        return "cp950"
    return encoding


def _narrow_shares(data: bytes) -> dict[str, float]:
    """For GB18030 and Big5, the share of everyday characters beyond ASCII; 0 if the data is not that."""
    texts = {encoding: _try(data, encoding) or "" for encoding in ("gb18030", "cp950")}
    return {encoding: beyond_ascii_share(text) for encoding, text in texts.items()}
