"""Every encoding Chinese text comes in is read; everything else is refused in one clear line."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.errors import DataError
from textgen.files.encodings.detection import decode_bytes, read_text
from textgen.files.encodings.plausibility import utf8_by_chance
from textgen.text.blank import is_blank

SIMPLIFIED = [
    "今天天气很好我们去公园吧",
    "春眠不觉晓，处处闻啼鸟。",
    "人工智能改变世界的未来方向",
    "股市大跌，投资者损失惨重",
    "“十四五”规划纲要正式发布",
    "苹果公司发布新款手机，售价5999元",
    "Python 3.11 发布了新的版本",
    "据新华社报道，国务院总理昨日会见了来访的外国代表团。\r\n双方就共同关心的问题交换了意见。\r\n" * 40,
]
TRADITIONAL = [
    "今天天氣很好我們去公園吧",
    "春眠不覺曉，處處聞啼鳥。",
    "人工智慧改變世界的未來方向",
    "股市大跌，投資者損失慘重",
    "「十四五」規劃綱要正式發布",
    "蘋果公司發布新款手機，售價5999元",
    "Python 3.11 發布了新的版本",
    "據新華社報導，國務院總理昨日會見了來訪的外國代表團。\n雙方就共同關心的問題交換了意見。\n" * 40,
]
# chardet 7.7 alone takes these for Big5, Korean, Japanese and GB18030
MISJUDGED = [
    ("联合国联合研究新药", "gbk"),
    ("各部门联合发布通告", "gbk"),
    ("图书馆保障促进繁荣", "gbk"),
    ("农民工开始支付条例", "gbk"),
    ("护士再次准备考试", "gbk"),
    ("浙江檢測準備考試", "big5"),
    ("商務部檢測準備考試", "big5"),
    ("中學生25日準備考試", "big5"),
]


def refusal(data: bytes, name: str = "a.txt") -> DataError:
    with pytest.raises(DataError) as caught:
        decode_bytes(data, name=name)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", SIMPLIFIED)
def test_simplified_without_a_mark(text: str, encoding: str) -> None:
    assert decode_bytes(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8", "big5", "cp950", "gb18030", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", TRADITIONAL)
def test_traditional_without_a_mark(text: str, encoding: str) -> None:
    assert decode_bytes(text.encode(encoding)) == text


@pytest.mark.parametrize(("text", "encoding"), MISJUDGED)
def test_short_texts_that_chardet_misjudges(text: str, encoding: str) -> None:
    assert decode_bytes(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe\x00\x00", "utf-32-le"),
        (b"\x00\x00\xfe\xff", "utf-32-be"),
    ],
)
def test_a_mark_decides_and_is_removed(mark: bytes, encoding: str) -> None:
    assert decode_bytes(mark + "你".encode(encoding)) == "你"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), min_size=1))
@settings(deadline=None)  # the dictionary is loaded once
def test_utf8_comes_back_unchanged(text: str) -> None:
    unclear = is_blank(text) or text.startswith(("%PDF-", "GIF8")) or utf8_by_chance(text.encode()) == "yes"
    if not unclear:
        assert decode_bytes(text.encode()) == text


def test_four_byte_gb18030_is_read_whole() -> None:
    text = "表情符号😀和生僻字𠮷都在国家标准里面"
    assert decode_bytes(text.encode("gb18030")) == text


def test_hong_kong_characters_are_read() -> None:
    text = "佢哋喺香港嘅茶餐廳食嘢，啲嘢好好食，𨋢入面冇人。" * 3
    assert decode_bytes(text.encode("big5hkscs")) == text


def test_ascii_in_utf16_without_a_mark() -> None:
    assert decode_bytes("hello, world".encode("utf-16-le")) == "hello, world"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le café était fermé à cause de la grève des employés.", "cp1252"),
        ("Сегодня хорошая погода, мы пойдём гулять в парк.", "cp1251"),
        ("今日は天気がいいので公園を散歩しましょう。", "euc-jp"),
        ("오늘은 날씨가 좋아서 우리는 공원에 갔습니다. 정말 즐거운 하루였습니다.", "euc-kr"),
    ],
)
def test_chardet_keeps_its_say_on_other_languages(text: str, encoding: str) -> None:
    assert decode_bytes(text.encode(encoding)) == text


def test_marks_of_joined_files_are_left_out() -> None:
    """Also of those whose last line had no end."""
    text = "\ufeff一\ufeff二\r\ufeff\ufeff三\n\ufeff四"
    assert decode_bytes(text.encode()) == "一二\r三\n四"


def test_line_ends_are_kept() -> None:
    assert decode_bytes("一\r\n二\r三\n".encode()) == "一\r\n二\r三\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \r\n\t ",
        "\u3000\n\u3000".encode(),
        "\u200b\n\u2060".encode(),
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xff\xfe \x00",
    ],
)
def test_empty_is_refused(data: bytes) -> None:
    assert refusal(data).message == "a.txt is empty"


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "你好")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
        (b"\x7fELF\x02\x01\x01\x00", "application/x-elf"),
        (archive(), "application/zip"),
        (gzip.compress("你好".encode(), mtime=0), "application/gzip"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    ],
)
def test_known_binary_formats_are_named(data: bytes, kind: str) -> None:
    assert refusal(data).message == f"a.txt is not a text file, it is {kind}"


@pytest.mark.parametrize("start", ["BM", "ID3"])
def test_a_text_may_begin_as_a_picture_or_a_song_does(start: str) -> None:
    text = f"{start}公司今天发布了新款汽车，售价三十万元。"
    assert decode_bytes(text.encode("gbk")) == text


@pytest.mark.parametrize("size", [128, 1000, 100_000])
def test_random_bytes_are_refused(size: int) -> None:
    generator = random.Random(size)
    for _ in range(20):
        assert refusal(generator.randbytes(size)).message == "a.txt is not a text file"


@pytest.mark.parametrize(
    "data",
    [b"\x00" * 64, b"MZ\x90\x00\x03\x00\x00\x00\x04", "标题\x00正文".encode(), b"abc\x01\x02\x03\x04"],
)
def test_control_characters_are_refused(data: bytes) -> None:
    assert refusal(data).message.startswith("a.txt is not a text file")


def test_a_few_control_characters_are_text() -> None:
    text = "\x1b[31m红色的标题\x1b[0m，以及后面足够长的一段正文，一直写到这里\x1a"
    assert decode_bytes(text.encode()) == text


def test_one_broken_byte_in_utf8_is_named() -> None:
    data = "今天天气很好，我们去公园散步吧".encode()
    assert refusal(data[:6] + b"\xff" + data[7:]).message == "a.txt cannot be decoded: byte 7 is not UTF-8"


def test_a_text_cut_within_a_character_is_refused() -> None:
    text = "今天天气很好，我们去公园散步吧"
    assert refusal(text.encode()[:-1]).message == "a.txt cannot be decoded: byte 43 is not UTF-8"
    message = "a.txt cannot be decoded: byte 29 is not GB18030"
    assert refusal(text.encode("gb18030")[:-1]).message == message


def test_a_broken_byte_in_long_gb18030_is_refused() -> None:
    data = ("今天天气很好，我们去公园散步吧。\n" * 20).encode("gb18030")
    assert (
        refusal(data[:30] + b"\xff" + data[31:]).message == "a.txt cannot be decoded: byte 31 is not GB18030"
    )


def test_a_broken_byte_far_into_a_file_is_named() -> None:
    data = b"plain English\n" * 1000 + "今天天气很好，我们去公园散步吧".encode()
    assert refusal(data + b"\xff").message == "a.txt cannot be decoded: byte 14046 is not UTF-8"


def test_a_false_mark_is_refused_with_the_place_in_the_file() -> None:
    message = "a.txt cannot be decoded: byte 4 is not UTF-8"
    assert refusal(b"\xef\xbb\xbf" + "你好".encode("gbk")).message == message
    assert refusal(b"\xff\xfe\x60").message == "a.txt cannot be decoded: byte 3 is not UTF-16"


def test_utf8_does_not_load_chardet() -> None:
    code = "import sys; from textgen.files.encodings.detection import decode_bytes as d; d('你好'.encode()); "
    code += "sys.exit('chardet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_read_text(tmp_path: Path) -> None:
    path = tmp_path / "新闻.txt"
    path.write_bytes("\ufeff标题\r\n正文".encode())
    assert read_text(path) == "标题\r\n正文"


def test_read_text_names_the_path_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("blank.txt").write_bytes(b"\n")
    for typed, message in [
        ("no/such.txt", "no/such.txt does not exist"),
        ("folder", "folder cannot be read: Is a directory"),
        ("blank.txt", "blank.txt is empty"),
        ("blank.txt/x", "blank.txt/x cannot be read: Not a directory"),
    ]:
        with pytest.raises(DataError) as caught:
            read_text(Path(typed))
        assert caught.value.message == message
        assert caught.value.hint


def test_read_text_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"^secret\.txt cannot be read: Permission denied \("):
        read_text(Path("secret.txt"))
