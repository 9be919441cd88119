"""SentencePiece as T5 and Llama use it, from its own file and from a tokenizer.json."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from foreign_vocabularies import (
    LLAMA_SPECIALS,
    T5_SPECIALS,
    gpt2_files,
    llama_json,
    llama_model,
    qwen_file,
    sentencepiece_model,
    t5_json,
)
from hypothesis import example, given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast, T5Tokenizer

from textgen.errors import DataError, ModelError
from textgen.tokenizers.base import ABSENT, Specials
from textgen.tokenizers.raw_sentencepiece import SentencePieceModelTokenizer
from textgen.tokenizers.stream import written_behind

with TemporaryDirectory() as one, TemporaryDirectory() as other:
    model = sentencepiece_model(Path(one) / "spiece.model")
    T5 = SentencePieceModelTokenizer(model, T5_SPECIALS)
    T5_JSON = SentencePieceModelTokenizer(t5_json(model, Path(one)), T5_SPECIALS)
    model = llama_model(Path(other) / "tokenizer.model")
    LLAMA = SentencePieceModelTokenizer(model, LLAMA_SPECIALS)
    LLAMA_JSON = SentencePieceModelTokenizer(llama_json(model, Path(other)), LLAMA_SPECIALS)

MIXED = "今天，用 The 写：365\n\nday 很好😀。ｄａｙ ▁ 發財 鑫 In 0 \t。天 气"
PIECES = T5.vocabulary.pieces
texts = st.lists(
    st.sampled_from(["今天", "天气", " ", "  ", "\n", "，", "The", "day", "😀", "▁", "</s>", "é", "。", "ｄ"])
    | st.text(st.characters(codec="utf-8"), max_size=4),
    max_size=10,
).map("".join)


def round_trip(tokenizer: SentencePieceModelTokenizer, text: str) -> str:
    return tokenizer.decode(tokenizer.encode(text))


@pytest.mark.parametrize("tokenizer", [T5, T5_JSON])
def test_a_mixed_text_is_folded_by_t5(tokenizer: SentencePieceModelTokenizer) -> None:
    assert round_trip(tokenizer, MIXED) == "今天,用 The 写:365 day 很好。day 發財 In 0。天气"
    assert tokenizer.lost(MIXED) == ("\n", "😀", "▁", "鑫")
    assert not tokenizer.lossless


@pytest.mark.parametrize("tokenizer", [LLAMA, LLAMA_JSON])
def test_a_mixed_text_stays_as_it_is_with_llama_but_for_its_mark_of_a_space(
    tokenizer: SentencePieceModelTokenizer,
) -> None:
    assert round_trip(tokenizer, MIXED) == MIXED.replace("▁", " ")
    assert tokenizer.lost(MIXED) == ("▁",)


@given(texts.filter(lambda text: "▁" not in text))
@example(" 今天")
@example("  ")
@example("")
@example("\n ")
def test_llama_loses_nothing_else(text: str) -> None:
    assert round_trip(LLAMA, text) == text
    assert LLAMA.lost(text) == ()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("今 天", "今天"),
        ("天 。", "天。"),
        ("用 The 写", "用 The 写"),
        ("用The写", "用The写"),
        ("The  day", "The day"),
        ("\nThe\nday\n", "The day"),
        ("The day 。 In", "The day。In"),
        ("ＴＨＥ", "T"),  # no token for H or E
    ],
)
def test_spaces_of_t5(text: str, written: str) -> None:
    assert round_trip(T5, text) == written


@given(texts)
@example(MIXED)
def test_no_space_stands_between_chinese_characters_nor_at_the_ends(text: str) -> None:
    written = round_trip(T5, text)
    assert not re.search("[\u3400-\u9fff。，：] [\u3400-\u9fff。，：]", written)
    assert written == written.strip(" ")
    assert "⁇" not in written
    assert "<unk>" not in written or "<unk>" in text


@given(st.sampled_from([T5, LLAMA, LLAMA_JSON]), st.data())
def test_what_is_streamed_and_joined_is_decoded(
    tokenizer: SentencePieceModelTokenizer, data: st.DataObject
) -> None:
    """But for a character that is open at the end, which is one mark there."""
    ids = data.draw(st.lists(st.integers(0, len(tokenizer.vocabulary) - 1), max_size=40))
    stream = tokenizer.detokenizer()
    shown, whole = "".join([stream.push(i) for i in ids]), tokenizer.decode(ids)
    assert whole.rstrip("\ufffd").startswith(shown.rstrip("\ufffd"))
    assert shown == whole or (whole.removeprefix(shown).lstrip(" ") == "\ufffd")


def test_half_a_character_is_held_back() -> None:
    stream = LLAMA.detokenizer()
    assert [stream.push(i) for i in LLAMA.encode("天😀")[-4:]] == ["", "", "", "😀"]


def test_the_space_behind_a_prompt_is_written() -> None:
    prompt, rest = LLAMA.encode("The"), LLAMA.encode("The day")[1:]
    assert LLAMA.decode(rest) == "day"  # as the beginning of a text
    assert written_behind(prompt, rest, LLAMA) == " day"
    assert written_behind(T5.encode("今天"), T5.encode("天气"), T5) == "天气"


def test_the_vocabularies() -> None:
    llama = LLAMA.vocabulary
    assert llama.pieces[llama.newline] == b"\n"
    assert llama.newline not in llama.byte_ids
    assert len(llama.byte_ids) == 255
    assert llama.pieces[:3] == (b"", b"", b"")
    assert not llama.spaced & llama.byte_ids
    assert {llama.pieces[i] for i in llama.spaced} >= {b" The", b" weather"}
    assert not llama.respaced
    t5 = T5.vocabulary
    assert t5.newline == ABSENT
    assert not t5.byte_ids
    assert t5.pieces[:3] == (b"", b"", b"")
    assert t5.respaced
    assert T5_JSON.symbols == {"<pad>": 0, "</s>": 1, "<unk>": 2} | {
        f"<extra_id_{n}>": len(t5) + n for n in range(4)
    }
    assert T5_JSON.vocabulary.pieces == (*t5.pieces, b"", b"", b"", b"")
    assert LLAMA_JSON.vocabulary.pieces == (*llama.pieces, b"")
    for one, other in ((T5, T5_JSON), (LLAMA, LLAMA_JSON)):
        mine, theirs = vars(one.vocabulary), vars(other.vocabulary)
        assert {k: v for k, v in mine.items() if k != "pieces"} == {
            k: v for k, v in theirs.items() if k != "pieces"
        }


@given(texts)
@example(MIXED)
def test_both_files_give_the_same_ids(text: str) -> None:
    assert LLAMA.encode(text) == LLAMA_JSON.encode(text)


@pytest.mark.parametrize(
    "text", [MIXED, "The  weather is good today, we write.", "在家写字。", " 今", "é", ""]
)
def test_ids_are_those_of_transformers(tmp_path: Path, text: str) -> None:
    t5 = T5Tokenizer.from_pretrained(
        str(t5_json(sentencepiece_model(tmp_path / "spiece.model"), tmp_path).parent)
    )
    assert T5.encode(text) == T5_JSON.encode(text) == t5.encode(text, add_special_tokens=False)
    folder = tmp_path / "llama"
    folder.mkdir()
    llama = PreTrainedTokenizerFast(tokenizer_file=str(llama_json(llama_model(folder / "m.model"), folder)))
    assert LLAMA.encode(text) == llama.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("tokenizer", [T5, T5_JSON, LLAMA, LLAMA_JSON])
@pytest.mark.parametrize("symbol", ["</s>", "<unk>", "<|im_end|>", "<extra_id_0>"])
def test_a_text_that_spells_a_symbol_is_text(tokenizer: SentencePieceModelTokenizer, symbol: str) -> None:
    symbols = {i for i, piece in enumerate(tokenizer.vocabulary.pieces) if not piece}
    found = set(tokenizer.encode(f"今{symbol}天")) & symbols
    assert found <= {tokenizer.encode("鑫")[-1]}  # what is unknown, of which T5 has no letters
    assert tokenizer in (T5, T5_JSON) or round_trip(tokenizer, symbol) == symbol


@pytest.mark.parametrize(
    "text", ["今<|im_end|>天", "<|im_end|>", "The<|im_end|><|im_end|> day", "<<|im_end|>>"]
)
def test_a_symbol_that_is_a_token_of_the_users_own_is_not_read_in_texts(tmp_path: Path, text: str) -> None:
    path = llama_model(tmp_path / "tokenizer.model", user_defined_symbols=["<|im_end|>"])
    plain = SentencePieceModelTokenizer(path, Specials(pad=2, bos=1, eos=2))
    [end] = [i for i, piece in enumerate(plain.vocabulary.pieces) if piece == b"<|im_end|>"]
    assert end in plain.encode(text)
    tokenizer = SentencePieceModelTokenizer(path, Specials(pad=2, bos=1, eos=end))
    assert end not in tokenizer.encode(text)
    assert round_trip(tokenizer, text) == text
    assert tokenizer.encode("今天") == plain.encode("今天")


def test_symbols_behind_the_file_write_nothing(tmp_path: Path) -> None:
    path = sentencepiece_model(tmp_path / "spiece.model")
    specials = Specials(pad=0, eos=1, mask=len(PIECES) + 3)
    tokenizer = SentencePieceModelTokenizer(path, specials)
    assert len(tokenizer.vocabulary) == len(PIECES) + 4
    assert tokenizer.decode([len(PIECES) + 3, *tokenizer.encode("今天"), 1, 0]) == "今天"


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no SentencePiece tokenizer"):
        SentencePieceModelTokenizer(qwen_file(tmp_path), T5_SPECIALS)
    with pytest.raises(ModelError, match="cannot read the tokenizer") as caught:
        SentencePieceModelTokenizer(tmp_path / "spiece.model", T5_SPECIALS)
    assert caught.value.hint == "is the file whole?"
    with pytest.raises(ModelError, match="it is no SentencePiece model"):
        SentencePieceModelTokenizer(gpt2_files(tmp_path).with_name("merges.txt"), T5_SPECIALS)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(DataError):
        T5.encode("今\ud800")
