"""The embedded tokenizer loses nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sentencepiece import SentencePieceTrainer

from textgen.errors import DataError, ModelError
from textgen.resources import models_dir
from textgen.tokenizers.base import Specials
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

TOKENIZER = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
FRAGMENTS = [
    "\u2581",
    "\u2581\u2581",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\x1b",
    "\x7f",
    "\u3000",
    "\u00a0",
    "\ufeff",
    "\u200b",
    "\ufffd",
    "\U0010ffff",
    "😀",
    "👨‍👩‍👧",
    "🇨🇳",
    "中文",
    "龘",
    "𠮷",
    "，",
    "Ａ１",
    "the",
    "GPT-2",
    "e\u0301",
    "<s>",
    "</s>",
    "<mask>",
    "<pad>",
    "<unk>",
    "<0x41>",
    "<l2r>",
]
characters = st.characters(codec="utf-8")
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(characters, max_size=8), max_size=12).map("".join)


@given(texts)
@example("")
@example("\u2581")
@example(" \u2581 ")
@example("\n\n \n")
@example("".join(FRAGMENTS))
def test_decoding_gives_back_what_was_encoded(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text
    # no text becomes a special, whatever it spells, and every id is in the vocabulary
    assert all(16 <= i < 8185 for i in ids)


@given(texts)
def test_the_pieces_are_the_bytes_of_the_text(text: str) -> None:
    pieces = TOKENIZER.vocabulary.pieces
    assert b"".join(pieces[i] for i in TOKENIZER.encode(text)) == text.encode()


@given(texts, st.characters(categories=["Cs"]), texts)
@example("", "\ud800", "")
@example("中", "\udfff", "文")
def test_a_lone_surrogate_is_refused(before: str, surrogate: str, after: str) -> None:
    with pytest.raises(DataError) as caught:
        TOKENIZER.encode(before + surrogate + after)
    code = f"U+{ord(surrogate):04X}"
    assert caught.value.message == f"text has a lone surrogate ({code}) at character {len(before) + 1}"
    assert caught.value.hint
    assert caught.value.exit_code == 1


def test_specials_have_their_ids() -> None:
    assert TOKENIZER.specials == Specials(pad=0, bos=2, eos=3, mask=4, sep=5, cls=6, l2r=7, r2l=8)


def test_the_vocabulary() -> None:
    vocabulary = TOKENIZER.vocabulary
    assert len(vocabulary) == 8185
    assert vocabulary.newline == 16
    assert vocabulary.pieces[16] == b"\n"
    assert vocabulary.byte_ids == frozenset(range(17, 273))
    assert [vocabulary.pieces[17 + byte] for byte in range(256)] == [bytes([byte]) for byte in range(256)]
    assert set(vocabulary.pieces[:16]) == {b""}
    assert all(vocabulary.pieces[16:])


def test_pieces_with_a_space_are_known() -> None:
    vocabulary = TOKENIZER.vocabulary
    by_bytes = {i for i in range(273, 8185) if b" " in vocabulary.pieces[i]}
    assert vocabulary.spaced == by_bytes
    assert len(by_bytes) == 25
    assert 17 + 0x20 not in vocabulary.spaced  # a byte piece is one byte, not a piece with a space
    words = TOKENIZER.encode("Red Hat 公司")
    assert [vocabulary.pieces[i] for i in words if i in vocabulary.spaced] == [b" Hat", b" "]


def test_one_piece_a_chinese_character() -> None:
    text = "今天天气很好，我们去公园散步。"
    pieces = [TOKENIZER.vocabulary.pieces[i].decode() for i in TOKENIZER.encode(text)]
    assert pieces == list(text)
    assert len(set(TOKENIZER.encode(text))) == len(set(text))


def test_case_width_and_form_are_kept() -> None:
    for pair in (("Apple", "apple"), ("ＡＢ", "AB"), ("é", "e\u0301"), ("．", ".")):
        assert TOKENIZER.encode(pair[0]) != TOKENIZER.encode(pair[1]), pair


def test_characters_without_a_piece_are_bytes() -> None:
    assert TOKENIZER.encode("😀") == [17 + byte for byte in "😀".encode()]
    assert TOKENIZER.encode("\u2581") == [17 + 0xE2, 17 + 0x96, 17 + 0x81]
    assert TOKENIZER.encode("\n") == [16]


def test_specials_decode_to_nothing() -> None:
    ids = TOKENIZER.encode("文本")
    assert TOKENIZER.decode([*range(16), ids[0], *range(16), ids[1], 3]) == "文本"
    assert TOKENIZER.decode(list(range(16))) == ""
    assert TOKENIZER.decode([]) == ""


def test_broken_bytes_decode_to_replacement_characters() -> None:
    half = [17 + byte for byte in "😀".encode()[:2]]
    assert TOKENIZER.decode([*half, *TOKENIZER.encode("好")]) == "\ufffd好"
    assert TOKENIZER.decode([17 + 0xFF]) == "\ufffd"


@pytest.mark.parametrize("damage", ["garbage", "empty", "truncated", "missing", "folder"])
def test_a_broken_file_is_one_line_and_a_hint(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "broken.model"
    if damage == "folder":
        file.mkdir()
    elif damage == "truncated":
        file.write_bytes(TOKENIZER.path.read_bytes()[:5000])
    elif damage != "missing":
        file.write_bytes(b"" if damage == "empty" else b"not a model\n" * 20)
    with pytest.raises(ModelError) as caught:
        SentencePieceTokenizer(file)
    assert caught.value.message.startswith(f"cannot read the tokenizer {file}: ")
    assert "\n" not in caught.value.message
    assert caught.value.hint == "is the file whole?"
    assert caught.value.exit_code == 1


def test_somebody_elses_vocabulary_is_refused(tmp_path: Path) -> None:
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["今天天气很好", "明天天气不好"] * 10),
        model_writer=model,
        vocab_size=280,
        byte_fallback=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    file = tmp_path / "theirs.model"
    file.write_bytes(model.getvalue())
    with pytest.raises(ModelError) as caught:
        SentencePieceTokenizer(file)
    assert caught.value.message == "the tokenizer has no token <pad>"
    assert caught.value.hint == "textgen needs a vocabulary made for its models"
