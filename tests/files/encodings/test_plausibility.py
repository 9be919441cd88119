"""Short texts in GBK that are valid UTF-8 by chance are Chinese; texts of alphabets stay what they are."""

from __future__ import annotations

import io

import pytest

from textgen.errors import DataError
from textgen.files.encodings.detection import decode_bytes, find_encoding
from textgen.files.encodings.plausibility import utf8_by_chance
from textgen.files.lines import lines_of

BY_CHANCE = [
    "学校",
    "学习",
    "夜莺",
    "俨然",
    "农业",
    "目录",
    "谢谢",
    "平直",
    "伪装品",
    "实战",
    "庄园",
    "学",
    "止住",
    "一直",
]
OF_ALPHABETS = [
    *("café", "naïve", "Ångström", "São Paulo", "¡Hola!", "über", "Đà Nẵng", "nǐ hǎo", "lǜ", "é", "ß", "µm"),
    *("Привет", "дом", "Он", "«дом»", "это", "что делать", "ДОМ", "Дело"),
    *("και", "της", "ανά", "π", "Ω", "α, β", "שלום", "שָׁלוֹם", "مرحبا", "مُحَمَّد"),
    *(
        "😀",
        "👨\u200d👩\u200d👧",
        "25°C",
        "©",
        "½",
        "typeset ʻaʼ ʻ%sʼ",
        "今天",
        "天氣",
        "春😀",
        "e\u0301te\u0301",
    ),
]


def lines(data: bytes) -> list[str | DataError]:
    def opened() -> io.BytesIO:
        return io.BytesIO(data)

    return [line for _, line in lines_of(opened, find_encoding(opened, "a"), "a")]


@pytest.mark.parametrize("text", BY_CHANCE)
def test_a_chinese_word_in_gbk_is_not_what_utf8_makes_of_it(text: str) -> None:
    data = text.encode("gbk")
    assert data.decode("utf-8") != text
    assert decode_bytes(data) == text
    assert lines(data) == [text]


@pytest.mark.parametrize("text", OF_ALPHABETS)
def test_text_in_utf8_stays_text_in_utf8(text: str) -> None:
    assert utf8_by_chance(text.encode()) == "no"
    assert decode_bytes(text.encode()) == text
    assert lines(text.encode()) == [text]


def test_lines_that_are_utf8_by_chance_do_not_make_a_file_utf8() -> None:
    words = ["学校", "图书馆", "学习", "农业"]
    for some in (words, words[:2], words[2:], ["小鞋", "图书馆"]):
        assert lines("\n".join(some).encode("gbk")) == [*(f"{word}\n" for word in some[:-1]), some[-1]]
    assert lines("text\n学习\n农业\n".encode("gbk")) == ["text\n", "学习\n", "农业\n"]


@pytest.mark.parametrize("text", ["СЬ", "ЩС", "бүү"])  # in GBK 小鞋, 些小, 斜爷爷
def test_what_is_text_in_both_is_utf8(text: str) -> None:
    data = text.encode()
    assert utf8_by_chance(data) == "perhaps"
    assert decode_bytes(data) == text


CHINESE = "图书馆延长开放时间，读者可以借书到晚上九点。"


@pytest.mark.parametrize("encoding", ["hz", "utf-7"])
def test_chinese_in_seven_bits_is_read(encoding: str) -> None:
    data = f"News: {CHINESE}\n{CHINESE} 1+1\n".encode(encoding)
    assert data.isascii()
    assert decode_bytes(data) == data.decode(encoding)
    assert CHINESE in decode_bytes(data)
    assert lines(data) == [f"News: {CHINESE}\n", f"{CHINESE} 1+1\n"]
    assert lines(b"plain\n" * 30_000 + data)[-1] == f"{CHINESE} 1+1\n"


@pytest.mark.parametrize(
    "text",
    [
        "use ~{foo} and ~} here",
        '(format t "~{~a~^, ~}" list)',
        "~{AB~} ~{FOOBAR~}",
        "C++ is +1, see a+b-c and +ABCD- or x+Zm9vYmFy-",
        "\x1b[31mred\x1b[0m and other colours of a terminal",
        "home: ~/notes {~}",
    ],
)
def test_ascii_with_such_marks_by_chance_is_ascii(text: str) -> None:
    assert decode_bytes(text.encode()) == text
    assert lines(text.encode()) == [text]


@pytest.mark.parametrize("encoding", ["iso2022_jp", "iso2022_kr", "iso2022_jp_2"])
def test_iso_2022_is_refused(encoding: str) -> None:
    text = "한국어" if encoding.endswith("kr") else "日本"
    data = f"{text}\n{text}".encode(encoding)
    for read in (decode_bytes, lines):
        with pytest.raises(DataError, match="is in ISO-2022") as caught:
            read(data)
        assert "iconv" in (caught.value.hint or "")
