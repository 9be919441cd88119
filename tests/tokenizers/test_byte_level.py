"""Byte-level BPE: any text, in runs of bytes that may be parts of characters."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from foreign_vocabularies import (
    GPT2_END,
    GPT2_SPECIALS,
    QWEN_SPECIALS,
    QWEN_SYMBOLS,
    bert_vocabulary,
    byte_level_engine,
    gpt2_files,
    qwen_file,
)
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Tokenizer, PreTrainedTokenizerFast, Qwen2Tokenizer

from textgen.errors import DataError, ModelError
from textgen.tokenizers.base import ABSENT, Specials
from textgen.tokenizers.byte_level import ByteLevelTokenizer

with TemporaryDirectory() as folder:
    GPT2 = ByteLevelTokenizer(gpt2_files(Path(folder)), GPT2_SPECIALS)
    QWEN = ByteLevelTokenizer(qwen_file(Path(folder)), QWEN_SPECIALS)

MIXED = "今天用 GPT-2 写：3.14\n\nHello, world! 很好😀。ＧＰＴ ▁ 發財 é 12:30 \t。"
rare = st.sampled_from(
    ["😀", "👨‍👩‍👧", "𠮷", "▁", "中", " the", "\n\n", "今天", "\0", GPT2_END, "<think>", "新冠疫情"]
)
texts = st.lists(rare | st.text(st.characters(codec="utf-8"), max_size=6), max_size=10).map("".join)
gpt2_ids = st.lists(st.integers(0, 400), max_size=40)


@given(texts)
@example(MIXED)
@example("e\u0301")
def test_any_text_comes_back(text: str) -> None:
    ids = GPT2.encode(text)
    assert GPT2.decode(ids) == text
    assert b"".join(GPT2.vocabulary.pieces[i] for i in ids) == text.encode()
    assert 400 not in ids
    assert GPT2.lost(text) == ()


@given(texts)
@example(MIXED)
@example("e\u0301 \uf900")
def test_qwen_composes_and_changes_nothing_else(text: str) -> None:
    written = unicodedata.normalize("NFC", text)
    ids = QWEN.encode(text)
    assert QWEN.decode(ids) == written
    assert not {*QWEN.symbols.values()} & {*ids}
    assert QWEN.lost(text) == ()


def test_what_changes_a_text_is_not_lossless() -> None:
    assert GPT2.lossless
    assert not QWEN.lossless
    assert QWEN.decode(QWEN.encode(MIXED)) == MIXED


@given(gpt2_ids)
@example(GPT2.encode("今天😀")[:-1])
@example([*GPT2.encode("天")[:1], *GPT2.encode("气")])
def test_what_is_streamed_and_joined_is_decoded_but_for_an_open_character(ids: list[int]) -> None:
    stream = GPT2.detokenizer()
    shown, whole = "".join([stream.push(i) for i in ids]), GPT2.decode(ids)
    assert whole in (shown, f"{shown}\ufffd")
    closed = GPT2.decode([*ids, GPT2.vocabulary.pieces.index(b"!")])
    assert f"{shown}{stream.push(GPT2.vocabulary.pieces.index(b'!'))}" == closed


@given(texts)
@example("今天😀")
def test_no_half_character_is_shown(text: str) -> None:
    stream, shown = GPT2.detokenizer(), ""
    for i in GPT2.encode(text):
        shown += stream.push(i)
        assert text.startswith(shown)
    assert shown == text


def test_the_vocabulary() -> None:
    vocabulary = GPT2.vocabulary
    assert len(vocabulary) == 401
    assert vocabulary.pieces[400] == b""
    assert {bytes([byte]) for byte in range(256)} <= set(vocabulary.pieces)
    assert vocabulary.pieces[vocabulary.newline] == b"\n"
    for i, piece in enumerate(vocabulary.pieces):
        assert (i in vocabulary.byte_ids) == ("\ufffd" in piece.decode("utf-8", "replace"))
        assert (i in vocabulary.spaced) == (b" " in piece)
    kinds = {piece for i, piece in enumerate(vocabulary.pieces) if i in vocabulary.byte_ids}
    assert {b"\xe4", b"\xa4\xa9", b"\xa1\xe5"} <= kinds  # begins one; goes on with one; both
    assert "今天".encode() in vocabulary.pieces
    assert b"a" not in kinds


def test_added_tokens_write_nothing_unless_they_are_text() -> None:
    assert QWEN.symbols == {GPT2_END: 400, "<|im_start|>": 401, "<|im_end|>": 402, "<think>": 403}
    assert [QWEN.vocabulary.pieces[i] for i in range(400, 405)] == [b"", b"", b"", b"", "新冠疫情".encode()]
    assert QWEN.encode("今天新冠疫情") == [*QWEN.encode("今天"), 404]
    assert QWEN.decode([401, *QWEN.encode("今天"), 403, 402]) == "今天"


def test_what_no_merge_gives_is_a_symbol_even_if_nobody_says_so(tmp_path: Path) -> None:
    assert GPT2.symbols == {GPT2_END: 400}
    tokenizer = ByteLevelTokenizer(gpt2_files(tmp_path), Specials(pad=ABSENT))
    assert tokenizer.vocabulary.pieces[400] == b""
    assert sum(not piece for piece in tokenizer.vocabulary.pieces) == 1


@pytest.mark.parametrize("symbol", [*QWEN_SYMBOLS, "<think>"])
def test_a_text_that_spells_a_symbol_is_text(symbol: str) -> None:
    for tokenizer in (GPT2, QWEN):
        ids = tokenizer.encode(f"今{symbol}天")
        assert tokenizer.decode(ids) == f"今{symbol}天"
        assert max(ids) < 400


def test_limits_padding_dropout_and_frames_of_the_file_are_left_out() -> None:
    text = "今天天气很好，我们去公园散步。明天的天气不好，我们在家写字。"
    ids = QWEN.encode(text)
    assert QWEN.decode(ids) == text
    assert all(QWEN.encode(text) == ids for _ in range(20))
    assert QWEN.encode("") == []


def test_ids_are_those_of_transformers(tmp_path: Path) -> None:
    path = gpt2_files(tmp_path)
    vocabulary = json.loads(path.read_text(encoding="utf-8"))
    merges = [tuple(line.split(" ")) for line in (tmp_path / "merges.txt").read_text().splitlines()[1:]]
    gpt2 = GPT2Tokenizer(vocab=vocabulary, merges=merges)
    qwen = Qwen2Tokenizer(vocab=vocabulary, merges=merges)
    ours = ByteLevelTokenizer(path, GPT2_SPECIALS, style="qwen2")
    for text in (MIXED, "today's 2024 365  days \n\n  The", "e\u0301", "we'll\r\n", "..?!\n今天"):
        assert GPT2.encode(text) == gpt2.encode(text, add_special_tokens=False), text
        assert ours.encode(text) == qwen.encode(text, add_special_tokens=False), text
    assert GPT2.encode(" 365") != ours.encode(" 365")  # each digit alone


def test_ids_are_those_of_the_same_file_in_transformers(tmp_path: Path) -> None:
    path = qwen_file(tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["model"]["dropout"] = None
    data |= {"truncation": None, "padding": None}
    path.write_text(json.dumps(data), encoding="utf-8")
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(path))
    for text in (MIXED, "今天新冠疫情  很好", "e\u0301\n\n\n"):
        assert QWEN.encode(text) == theirs.encode(text, add_special_tokens=False), text


def test_a_vocabulary_that_lacks_bytes_says_what_it_loses(tmp_path: Path) -> None:
    engine = byte_level_engine()
    data = json.loads(engine.to_str())
    lacking = "ð"  # the first byte of an emoji
    del data["model"]["vocab"][lacking]
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    tokenizer = ByteLevelTokenizer(tmp_path / "tokenizer.json", Specials(pad=ABSENT))
    assert not tokenizer.lossless
    assert tokenizer.lost("今😀天😀𠮷é") == ("😀", "𠮷")


@pytest.mark.parametrize("damage", ["missing", "garbage", "list", "empty", "no merges", "other merges"])
def test_a_broken_file_is_one_line_and_a_hint(tmp_path: Path, damage: str) -> None:
    path = gpt2_files(tmp_path)
    if damage == "no merges":
        (tmp_path / "merges.txt").unlink()
    elif damage == "other merges":
        (tmp_path / "merges.txt").write_text("#version: 0.2\n我 们 x\n", encoding="utf-8")
    else:
        path = tmp_path / "tokenizer.json"
        if damage != "missing":
            path.write_text({"garbage": "{", "list": "[]", "empty": "{}"}[damage], encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        ByteLevelTokenizer(path, GPT2_SPECIALS)
    assert caught.value.message.startswith(f"cannot read the tokenizer {path.parent}")
    assert "\n" not in caught.value.message
    assert caught.value.hint == "is the file whole?"


def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path) -> None:
    engine = Tokenizer(models.WordPiece.from_file(str(bert_vocabulary(tmp_path))))
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    engine.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match="is no byte-level tokenizer"):
        ByteLevelTokenizer(tmp_path / "tokenizer.json", GPT2_SPECIALS)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(DataError):
        GPT2.encode("今\ud800")
