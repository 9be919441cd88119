"""BERT's vocabularies: what is read, how it is spaced when written, and what is lost."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from foreign_vocabularies import BERT_SPECIALS, BERT_SYMBOLS, bert_tokens, bert_vocabulary
from hypothesis import example, given
from hypothesis import strategies as st
from transformers import BertTokenizer

from textgen.errors import DataError, ModelError
from textgen.tokenizers.base import ABSENT
from textgen.tokenizers.spacing import is_unspaced
from textgen.tokenizers.wordpiece import WordPieceTokenizer

TOKENS = bert_tokens()
ID = {token: i for i, token in enumerate(TOKENS)}
CHINESE = re.compile("[\u3400-\u9fff，。：？、《》（）…·]")
MIXED = "今天用 GPT4 写：鑫 100元，\nHello, world! 3.14 12:30 很好😀。ＧＰＴ ▁ 發財 Don't"

texts = st.lists(
    st.sampled_from([*TOKENS, " ", "\n", "😀", "é", "\u200b", "▁", "[MASK]", "Ａ"]) | st.text(max_size=4),
    max_size=12,
).map("".join)
ids = st.lists(st.integers(0, len(TOKENS) - 1), max_size=30)


with TemporaryDirectory() as folder:
    LOWER = WordPieceTokenizer(bert_vocabulary(Path(folder)), BERT_SPECIALS, lower_case=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return bert_vocabulary(tmp_path)


def tokens(text: str) -> list[str]:
    return [TOKENS[i] for i in LOWER.encode(text)]


def round_trip(text: str, tokenizer: WordPieceTokenizer = LOWER) -> str:
    return tokenizer.decode(tokenizer.encode(text))


def test_a_mixed_text_comes_back_in_its_documented_form() -> None:
    written = "今天用gpt4写：100元，hello, world! 3.14 12:30很好。ｇｐｔ發財don't"
    assert round_trip(MIXED) == written
    assert round_trip(written) == written
    assert LOWER.lost(MIXED) == ("鑫", "\n", "😀", "▁")


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好，我们去公园。",
        "用gpt写",
        "hello world",
        "hello, world; hello",
        "hello(world)in 2024, a gpt",
        "3.14",
        "12:30",
        "价格:100元",  # a half-width mark in Chinese
        "我们在2024年3月12日",
        "gpt-3",
        "a/c",
        "don't",
        "c++",
        "$100",
        "#3",
        "100%gpt",
        "a.c",
        "hello.world",
        "3. gpt",  # in a list
        "gpt 3.14 hello",
        "a:c",
        "100,100",
        "(a), gpt",
        "《hello world》",
        "hello! hello? a; c",
        "价格,100元",
        "3.14.12",
    ],
)
def test_spaces_stand_where_they_are_wanted(text: str) -> None:
    assert round_trip(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("今 天\u3000天\t气", "今天天气"),
        ("今天\n天气", "今天天气"),
        ("用 GPT 写", "用gpt写"),
        ("hello  world", "hello world"),
        ("( a )", "(a)"),
        ("111", ""),  # no token spells it
        ("hello. world", "hello.world"),  # names of files and hosts are more frequent in Chinese texts
        ("100% gpt", "100%gpt"),
        ("3, 14", "3,14"),
        ("Café", "cafe"),
        ("[MASK]", "[]"),  # text is never a symbol
        ("今\x00天\u200b", "今天"),
    ],
)
def test_what_changes_is_documented(text: str, written: str) -> None:
    assert round_trip(text) == written


def test_a_word_goes_on_without_a_space() -> None:
    assert tokens("gpting gpt4 2024") == ["gpt", "##ing", "gpt", "##4", "2024"]
    assert round_trip("gpting gpt4 2024") == "gpting gpt4 2024"
    assert LOWER.decode([ID["今"], ID["##中"], ID["gpt"], ID["##中"]]) == "今中gpt中"


def test_a_symbol_between_words_writes_nothing() -> None:
    assert LOWER.decode([3, ID["hello"], 5, ID["world"], 4]) == "hello world"
    assert LOWER.decode([3, ID["hello"], 5, ID["##s"], 4, 0]) == "hellos"


def test_the_vocabulary() -> None:
    vocabulary = LOWER.vocabulary
    assert len(vocabulary) == len(TOKENS)
    assert set(vocabulary.pieces[: len(BERT_SYMBOLS)]) == {b""}
    assert all(vocabulary.pieces[len(BERT_SYMBOLS) :])
    assert vocabulary.pieces[ID["##ing"]] == b"ing"
    assert vocabulary.pieces[ID["今"]] == "今".encode()
    assert vocabulary.pieces[ID["#"]] == b"#"
    assert vocabulary.pieces[ID["\u2028"]] == "\u2028".encode()
    assert vocabulary.newline == ABSENT
    assert not vocabulary.byte_ids | vocabulary.spaced
    assert not LOWER.lossless


@pytest.mark.parametrize("lower_case", [True, False])
def test_ids_are_those_of_transformers(path: Path, lower_case: bool) -> None:
    ours = WordPieceTokenizer(path, BERT_SPECIALS, lower_case=lower_case)
    theirs = BertTokenizer(vocab=str(path), do_lower_case=lower_case)
    for text in (MIXED, "GPT gpt Hello hello É 25℃", "a" * 120, "①今 中℃ in\u2028on", "Ǆ İ ß", "が カﾞ", ""):
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False), text


def test_upper_case_is_kept_where_the_vocabulary_has_it(path: Path) -> None:
    cased = WordPieceTokenizer(path, BERT_SPECIALS, lower_case=False)
    assert round_trip("Hello GPT", cased) == "Hello GPT"
    assert cased.lost("World") == ("W", "o", "r", "l", "d")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("今天", ()),
        ("GPT ÉA a\u0301", ("É", "A")),  # éa is no word of the vocabulary; á is a, in another form
        ("今 \t天", ()),
        ("今\n天\r", ("\n", "\r")),
        ("鑫😀鑫", ("鑫", "😀")),
        ("今\x00天\ufeff", ("\x00", "\ufeff")),
        ("gptx", ("g", "p", "t", "x")),  # a word is known as a whole, or not at all
        ("\u2582", ("\u2582",)),
    ],
)
def test_what_is_lost_is_said(text: str, lost: tuple[str, ...]) -> None:
    assert LOWER.lost(text) == lost


@given(ids)
@example([ID["hello"], ID["world"]])
@example([ID["3"], ID["."], ID["14"]])
def test_what_is_streamed_and_joined_is_decoded(some: list[int]) -> None:
    stream = LOWER.detokenizer()
    assert "".join([stream.push(i) for i in some]) == LOWER.decode(some)


@given(texts | ids.map(lambda some: " ".join(TOKENS[i] for i in some)))
@example(MIXED)
def test_no_space_touches_chinese_and_no_symbol_is_written(text: str) -> None:
    written = round_trip(text)
    for before, between, after in zip(written, written[1:], written[2:], strict=False):
        if between == " ":
            assert not CHINESE.match(before)
            assert not CHINESE.match(after)
            assert not is_unspaced(before) | is_unspaced(after)
    assert not any(symbol in written for symbol in ("[UNK]", "[CLS]", "[PAD]", "[MASK]"))


@given(ids)
def test_spaces_apart_the_text_is_its_pieces(some: list[int]) -> None:
    joined = b"".join(LOWER.vocabulary.pieces[i] for i in some).decode()
    assert LOWER.decode(some).replace(" ", "") == joined


@given(texts)
@example("[UNK] 鑫 ##s")
def test_what_is_not_lost_is_written(text: str) -> None:
    encoded = LOWER.encode(text)
    assert LOWER.vocabulary.pieces[LOWER.unknown] == b""
    if set(LOWER.lost(text)) <= {"\n"}:
        assert LOWER.unknown not in encoded
    written = round_trip(text)
    assert "[UNK]" not in written
    assert not set(LOWER.lost(written))


def test_sentinels_are_no_text_if_one_says_so(path: Path) -> None:
    plain = WordPieceTokenizer(path, BERT_SPECIALS, lower_case=True)
    assert round_trip("今extra0天", plain) == "今extra0天"
    silent = WordPieceTokenizer(path, BERT_SPECIALS, lower_case=True, silent=["extra0"])
    assert round_trip("今extra0天", silent) == "今天"


def test_a_tokenizer_json_has_the_same_tokens(path: Path, tmp_path: Path) -> None:
    BertTokenizer(vocab=str(path), do_lower_case=True).save_pretrained(str(tmp_path / "saved"))
    found = WordPieceTokenizer(tmp_path / "saved" / "tokenizer.json", BERT_SPECIALS, lower_case=True)
    odd = ID["\u2028"]  # which transformers leaves out, and not its id
    assert found.vocabulary.pieces[odd] == b""
    assert found.vocabulary.pieces[:odd] == LOWER.vocabulary.pieces[:odd]
    assert found.vocabulary.pieces[odd + 1 :] == LOWER.vocabulary.pieces[odd + 1 :]
    assert found.encode(MIXED) == LOWER.encode(MIXED)
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": [["a", 0]]}}')
    with pytest.raises(ModelError, match="it has no WordPiece"):
        WordPieceTokenizer(tmp_path / "tokenizer.json", BERT_SPECIALS, lower_case=True)


def test_a_mark_of_byte_order_and_windows_line_ends_are_no_tokens(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes("\ufeff".encode() + "\r\n".join(TOKENS).encode())
    found = WordPieceTokenizer(path, BERT_SPECIALS, lower_case=True)
    assert found.vocabulary == LOWER.vocabulary


@pytest.mark.parametrize("damage", ["missing", "folder", "bytes", "empty", "other"])
def test_a_file_that_is_no_vocabulary_is_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "vocab.txt"
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes({"bytes": b"\xff\xfe[UNK]", "empty": b"", "other": b"a\nb\n"}[damage])
    with pytest.raises(ModelError) as caught:
        WordPieceTokenizer(path, BERT_SPECIALS, lower_case=True)
    if damage in ("empty", "other"):
        assert caught.value.message == f"the vocabulary {path} has no token [UNK]"
        assert caught.value.hint == "a vocab.txt of BERT has one token a line"
    else:
        assert caught.value.message.startswith(f"cannot read the vocabulary {path}: ")
        assert caught.value.hint == "is the file whole?"


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(DataError):
        LOWER.encode("今\ud800")
