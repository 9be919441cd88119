"""Files are read line by line in any encoding; what is no text costs its line, or is told in one line."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textgen.errors import DataError
from textgen.files import lines as module_of_lines
from textgen.files.encodings.detection import find_encoding
from textgen.files.encodings.plausibility import utf8_by_chance
from textgen.files.lines import SAMPLE, lines_in, lines_of, shown

SIMPLIFIED = [f"第{number}天，今天天气很好，我们去公园散步吧。\n" for number in range(40)]
TRADITIONAL = [f"第{number}天，今天天氣很好，我們去公園散步吧。\n" for number in range(40)]
ASCII = b"plain English, and a number: 42\n"
NO_LINE_ENDS = "\u2028 \u2029 \x85 \v \f \x1c \x1e"
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\ufeff")


def opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def unpacker(module: Any, data: bytes) -> Callable[[], BinaryIO]:
    return lambda: module.open(io.BytesIO(data))


def encoding_of(data: bytes) -> str:
    return find_encoding(opener(data), "a.jsonl")


def read(data: bytes) -> list[str | DataError]:
    """The lines of a file of which nobody told the encoding; their numbers are checked."""
    found = list(lines_of(opener(data), encoding_of(data), "a.jsonl"))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [line for _, line in found]


def refusal(open: Callable[[], BinaryIO]) -> DataError:
    with pytest.raises(DataError) as caught:
        find_encoding(open, "a.jsonl")
    assert "\n" not in caught.value.line
    assert caught.value.hint
    return caught.value


def errors(lines: list[str | DataError]) -> list[int]:
    return [number for number, line in enumerate(lines, 1) if isinstance(line, DataError)]


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        *[(SIMPLIFIED, name) for name in ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le")],
        *[(TRADITIONAL, name) for name in ("utf-8", "big5", "cp950", "gb18030", "utf-16-be", "utf-32")],
    ],
)
def test_every_encoding_is_found_and_read(lines: list[str], encoding: str) -> None:
    assert read("".join(lines).encode(encoding)) == lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_line_ends_stay_as_they_are(encoding: str) -> None:
    lines = [line.replace("\n", "\r\n") for line in SIMPLIFIED]
    lines += ["\r\n", "\n", "\r", f"中间的{NO_LINE_ENDS}行\r\n", "最后一行没有换行"]
    assert read("".join(lines).encode(encoding)) == lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 5, 6, 7, SAMPLE])
def test_lf_crlf_and_cr_end_a_line_wherever_a_block_ends(
    end: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_of_lines, "SAMPLE", size)
    lines = [f"第{number}行{NO_LINE_ENDS}{end}" for number in range(20)] + [end, end, "尾"]
    found = list(lines_of(opener("".join(lines).encode()), "utf-8", "a"))
    assert found == list(enumerate(lines, 1))
    assert lines_in("".join(lines)) == [line.removesuffix(end) for line in lines]


def test_a_file_with_cr_alone_is_judged_line_by_line() -> None:
    data = [line.replace("\n", "\r").encode() for line in SIMPLIFIED]
    data[3] = b"\xff\r"
    assert errors(read(b"".join(data))) == [4]


def test_the_lines_of_a_text() -> None:
    assert lines_in("") == []
    assert lines_in("\n") == [""]
    assert lines_in("一\r\r\n二") == ["一", "", "二"]
    assert lines_in(f"{NO_LINE_ENDS}") == [NO_LINE_ENDS]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_marks_within_joined_files_are_left_out(encoding: str) -> None:
    one, two = "".join(SIMPLIFIED), "".join(TRADITIONAL)
    data = one.encode(encoding) + f"\ufeff{two}\ufeff\ufeff三".encode(encoding.removesuffix("-sig"))
    if encoding == "utf-16":
        data = (one + f"\ufeff{two}\ufeff\ufeff三").encode(encoding)
    assert read(data) == [*SIMPLIFIED, *TRADITIONAL, "三"]
    assert lines_in(one + "\ufeff" + two) == [line.rstrip("\n") for line in SIMPLIFIED + TRADITIONAL]


def test_a_line_that_is_too_long_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_of_lines, "LONGEST", 100)
    monkeypatch.setattr(module_of_lines, "SAMPLE", 7)
    lines = ["一" * 100 + "\r\n", "二" * 101 + "\r\n", "三\n", "四" * 5000 + "\r", "五\n", "六" * 200]
    found = read("".join(lines).encode())
    assert errors(found) == [2, 4, 6]
    assert [found[0], found[2], found[4]] == [lines[0], lines[2], lines[4]]
    assert found[1].message == "line 2 is too long: it has more than 100 characters"


def test_a_long_line_of_a_packed_file_is_not_held_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_of_lines, "LONGEST", 1 << 20)
    open = unpacker(gzip, gzip.compress(b"first\n" + b"x" * (1 << 25) + "\n最后\n".encode(), 1))
    tracemalloc.start()
    encoding = find_encoding(open, "a.gz")
    found = [line for _, line in lines_of(open, encoding, "a.gz")]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found[0], errors(found), found[2]) == ("first\n", [2], "最后\n")
    assert most < 8 << 20


@given(st.lists(st.text(CHARACTERS)), st.booleans())
def test_utf8_gives_exactly_the_lines_that_were_written(lines: list[str], end: bool) -> None:
    assume(end or not lines or lines[-1])
    written = [line + "\n" for line in lines]
    if written and not end:
        written[-1] = lines[-1]
    found = list(lines_of(opener("".join(written).encode()), "utf-8", "a"))
    assert found == list(enumerate(written, 1))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"))))
@settings(deadline=None)  # the dictionary is loaded once
def test_utf8_is_known_as_such(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    assume(all(utf8_by_chance(line.encode()) == "no" for line in lines))
    assume(data.strip() and not data.startswith((b"%PDF-", b"GIF8")))
    assert encoding_of(data) == "utf-8"


@pytest.mark.parametrize("at", [0, 17, 39])
def test_a_gbk_line_among_utf8_costs_only_itself(at: int) -> None:
    data = [line.encode() for line in SIMPLIFIED]
    data[at] = SIMPLIFIED[at].encode("gbk")
    lines = read(b"".join(data))
    assert errors(lines) == [at + 1]
    assert lines[at].message == f"line {at + 1} is not UTF-8"
    del lines[at]
    assert lines == SIMPLIFIED[:at] + SIMPLIFIED[at + 1 :]


@pytest.mark.parametrize(
    ("lines", "encoding"), [(SIMPLIFIED, "utf-8"), (SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5")]
)
def test_a_line_cut_within_a_character_costs_only_itself(lines: list[str], encoding: str) -> None:
    data = [line.encode(encoding) for line in lines]
    data[5] = "今天天".encode(encoding)[:-1] + b"\n"
    found = read(b"".join(data))
    assert errors(found) == [6]
    assert found[:5] + found[6:] == lines[:5] + lines[6:]


def test_a_file_that_ends_within_a_character_keeps_its_other_lines() -> None:
    lines = read("".join(SIMPLIFIED).encode()[:-3])
    assert errors(lines) == [40]
    assert lines[:-1] == SIMPLIFIED[:-1]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "big5"])
@pytest.mark.parametrize("size", [SAMPLE - 1, SAMPLE + 10, 3 * SAMPLE])
def test_what_is_beyond_ascii_may_come_late(encoding: str, size: int) -> None:
    count = size // len(ASCII) + 1
    lines = TRADITIONAL if encoding == "big5" else SIMPLIFIED
    found = read(ASCII * count + "".join(lines).encode(encoding))
    assert found == [ASCII.decode()] * count + lines


def test_a_last_line_beyond_ascii_decides_without_a_line_end() -> None:
    assert read(ASCII * 5000 + "我们去公园散步吧".encode("gbk"))[-1] == "我们去公园散步吧"


def test_a_line_may_be_longer_than_the_sample() -> None:
    lines = ["很长的一行，" * 30_000 + "\n", "很短的一行\n"]
    assert read("".join(lines).encode("gb18030")) == lines


def test_utf16_without_a_mark_may_have_a_pair_where_the_sample_ends() -> None:
    lines = ["\n", "今" * (SAMPLE // 2 - 2) + "😀，我们去公园散步吧\n"]
    assert read("".join(lines).encode("utf-16-le")) == lines


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n"])
def test_empty_is_refused(data: bytes) -> None:
    assert refusal(opener(data)).message == "a.jsonl is empty"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ", it is image/png"),
        (gzip.compress("今天".encode(), mtime=0), ", it is application/gzip"),
        (b"\0" * 64, ""),
        (b"\0" * 63, ""),
        (random.Random(1).randbytes(1000), ""),
    ],
    ids=["png", "gzip", "nuls", "odd-nuls", "random"],
)
def test_binary_is_refused(data: bytes, words: str) -> None:
    assert refusal(opener(data)).message == f"a.jsonl is not a text file{words}"


@pytest.mark.parametrize("size", [200, 1000, 100_000])
def test_random_bytes_without_nuls_are_refused(size: int) -> None:
    generator = random.Random(size)
    for _ in range(10):
        refusal(opener(generator.randbytes(size).replace(b"\0", b"\1")))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert refusal(lambda: path.open("rb")).message == "a.jsonl does not exist"
    with pytest.raises(DataError, match=r"^a\.jsonl does not exist \("):
        list(lines_of(lambda: path.open("rb"), "utf-8", "a.jsonl"))


@pytest.mark.parametrize("module", [gzip, lzma], ids=["gz", "xz"])
def test_packed_files_read_like_others(module: Any) -> None:
    open = unpacker(module, module.compress("".join(SIMPLIFIED).encode("gbk")))
    encoding = find_encoding(open, "a")
    assert [line for _, line in lines_of(open, encoding, "a")] == SIMPLIFIED


@pytest.mark.parametrize("module", [gzip, lzma], ids=["gz", "xz"])
@pytest.mark.parametrize("count", [100, 20_000])
def test_what_was_packed_before_the_damage_stays(module: Any, count: int) -> None:
    generator = random.Random(0)  # what packs badly is spread over the archive
    lines = [f"今天{generator.randrange(10**9)}，明天{generator.randrange(10**9)}。\n" for _ in range(count)]
    packed = module.compress("".join(lines).encode())
    open = unpacker(module, packed[: len(packed) * 3 // 4])
    *whole, (number, error) = lines_of(open, "utf-8", "a.gz")
    assert len(whole) > count / 3
    assert whole == list(enumerate(lines[: len(whole)], 1))
    assert number == len(whole) + 1
    assert isinstance(error, DataError)
    assert error.message.startswith(f"a.gz, behind line {len(whole)} cannot be read: ")


@pytest.mark.parametrize("module", [gzip, lzma], ids=["gz", "xz"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_the_encoding_of_a_damaged_archive_is_that_of_what_can_be_read(module: Any, encoding: str) -> None:
    packed = module.compress("".join(SIMPLIFIED * 500).encode(encoding))
    assert find_encoding(unpacker(module, packed[: len(packed) * 3 // 4]), "a.gz") == encoding
    assert find_encoding(unpacker(module, packed[:-4]), "a.gz") == encoding


def test_a_wrong_checksum_is_told_behind_the_last_line() -> None:
    packed = bytearray(gzip.compress("".join(SIMPLIFIED).encode()))
    packed[-8] ^= 1
    *whole, (number, error) = lines_of(unpacker(gzip, bytes(packed)), "utf-8", "a.gz")
    assert [line for _, line in whole] == SIMPLIFIED
    assert number == 41
    assert isinstance(error, DataError)


@pytest.mark.parametrize("module", [gzip, lzma], ids=["gz", "xz"])
def test_an_archive_without_a_whole_line_is_refused(module: Any) -> None:
    packed = module.compress("".join(SIMPLIFIED).encode())
    for data in (packed[:5], b"not packed at all\n"):
        open = unpacker(module, data)
        assert "cannot be read" in refusal(open).message
        with pytest.raises(DataError, match=r"^a cannot be read: "):
            list(lines_of(open, "utf-8", "a"))


def test_messages_spell_encodings_without_python_s_ends() -> None:
    assert [shown(name) for name in ("utf-8-sig", "gb18030", "utf-16-le")] == [
        "UTF-8",
        "GB18030",
        "UTF-16-LE",
    ]
