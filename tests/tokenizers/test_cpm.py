"""The scheme of CPM."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import jieba
import pytest
from foreign_vocabularies import CPM_SPECIALS, CPM_SYMBOLS, cpm_model
from hypothesis import example, given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from textgen.choice.allowed import line_ids, text_ids
from textgen.errors import DataError, ModelError
from textgen.tokenizers.cpm import CpmTokenizer

with TemporaryDirectory() as name:
    path = cpm_model(Path(name) / "spiece.model")
    TOKENIZER = CpmTokenizer(path, CPM_SPECIALS)
    THEIRS = SentencePieceProcessor(model_proto=path.read_bytes())
NAMES = [THEIRS.id_to_piece(i) for i in range(len(THEIRS))]
MIXED = "今天 用 GPT 写诗，\n\nThe weather 2024. ＧＰＴ 很好😀 發財 鑫\n"
texts = st.lists(
    st.sampled_from(["今天", "天气", " ", "\n", "，", "The", "GPT", "很好", "😀", "▁", "▂", "<eod>", "公园"])
    | st.text(st.characters(codec="utf-8"), max_size=3),
    max_size=10,
).map("".join)


def theirs(text: str) -> list[int]:
    """The original: all of it is one translation, one cut and one join."""
    table = str.maketrans(" \n", "\u2582\u2583")
    return THEIRS.encode(" ".join(word.translate(table) for word in jieba.cut(text, cut_all=False)))


@given(texts)
@example(MIXED)
@example("他来到了网易杭研大厦")
def test_ids_and_texts_are_those_of_the_original(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert ids == theirs(text)
    known = [i for i in ids if i != 0]
    written = THEIRS.decode(known).replace(" ", "").replace("\u2582", " ").replace("\u2583", "\n")
    assert TOKENIZER.decode(ids) == written


def test_a_mixed_text_comes_back_in_its_documented_form() -> None:
    """Folded, without what is unknown; spaces and line breaks are kept."""
    written = "今天 用 GPT 写诗，\n\nThe weather 2024. GPT 很好 發財 \n"
    assert "，" in NAMES or "▁，" in NAMES or "," in "".join(NAMES)
    assert TOKENIZER.decode(TOKENIZER.encode(MIXED)) == written.replace("，", ",")
    assert TOKENIZER.lost(MIXED) == ("😀", "鑫")
    assert not TOKENIZER.lossless


@pytest.mark.parametrize("text", ["今天天气很好", "今天 天气\n\n很好", " 今天\n", "The weather"])
def test_blanks_are_where_they_were_and_nowhere_else(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_marks_of_blanks_are_lost() -> None:
    assert TOKENIZER.decode(TOKENIZER.encode("今▂天▃气▁")) == "今 天\n气"
    assert TOKENIZER.lost("今▂天▃气▁ \n") == ("▂", "▃", "▁")


@given(st.lists(st.integers(0, len(NAMES) - 1), max_size=30))
def test_what_is_streamed_and_joined_is_decoded(ids: list[int]) -> None:
    stream = TOKENIZER.detokenizer()
    assert "".join([stream.push(i) for i in ids]) == TOKENIZER.decode(ids)


def test_the_vocabulary() -> None:
    vocabulary = TOKENIZER.vocabulary
    assert vocabulary.pieces[:8] == (b"",) * 8
    assert vocabulary.pieces[vocabulary.newline] == b"\n"
    assert {vocabulary.pieces[i] for i in vocabulary.spaced} == {b" "}
    assert {NAMES[i] for i in vocabulary.wordless} == {"▁"}
    assert vocabulary.pieces[NAMES.index("▁今天")] == "今天".encode()
    assert not vocabulary.byte_ids


def test_the_beginning_of_a_word_may_be_written_and_symbols_may_not() -> None:
    allowed = line_ids(TOKENIZER, len(NAMES))
    assert allowed[NAMES.index("▁")]
    assert not any(allowed[NAMES.index(symbol)] for symbol in ("<unk>", "<s>", "</s>", *CPM_SYMBOLS))
    breaks = [i for i, name in enumerate(NAMES) if "\u2583" in name]
    assert breaks
    assert not allowed[breaks].any()
    assert text_ids(TOKENIZER, len(NAMES))[[*breaks, CPM_SPECIALS.eos]].all()


def test_a_text_that_spells_a_symbol_is_text() -> None:
    for symbol in CPM_SYMBOLS:
        assert not set(TOKENIZER.encode(f"今{symbol}天")) & set(range(1, 8))


def test_a_broken_file_and_a_lone_surrogate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the tokenizer"):
        CpmTokenizer(tmp_path / "spiece.model", CPM_SPECIALS)
    with pytest.raises(DataError):
        TOKENIZER.encode("今\ud800")
