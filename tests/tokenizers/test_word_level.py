"""Words of jieba over a vocabulary of BERT's form."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jieba
import pytest
from foreign_vocabularies import BERT_SPECIALS, bert_vocabulary, word_tokens
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from transformers import BertTokenizer

from textgen.tokenizers.words import WordTokenizer

TOKENS = word_tokens()
with TemporaryDirectory() as name:
    path = bert_vocabulary(Path(name), TOKENS)
    LOWER = WordTokenizer(path, BERT_SPECIALS, lower_case=True)
    CASED = WordTokenizer(path, BERT_SPECIALS, lower_case=False)
    BERT = BertTokenizer(vocab=str(path), do_lower_case=False)
MIXED = "今天用 GPT4 写：鑫 100元，\nHello, world! 3.14 12:30 很好😀。ＧＰＴ ▁ 發財 Don't"
texts = st.lists(
    st.sampled_from(
        [*TOKENS, "今天天气", "中国大学", "大学生", " ", "\n", "😀", "É", "\u200b", "A股", "##今天"]
    )
    | st.text(max_size=3),
    max_size=10,
).map("".join)


def tokens(text: str, tokenizer: WordTokenizer = LOWER) -> list[str]:
    return [TOKENS[i] for i in tokenizer.encode(text)]


def recipe(text: str, lower_case: bool) -> list[int]:
    """As the authors did: lower case, jieba's words, those of the vocabulary as they are, BERT for others."""
    ids = []
    for word in jieba.lcut(BertNormalizer(True, False, None, lower_case).normalize_str(text), HMM=False):
        known = word in TOKENS and not word.startswith(("##", "[", "<"))
        ids += [TOKENS.index(word)] if known else BERT.encode(word, add_special_tokens=False)
    return ids


@given(texts)
@example(MIXED)
@example("中国大学在杭研，A股今天天气，公园")
def test_ids_are_those_of_the_recipe(text: str) -> None:
    for tokenizer, lower_case in ((LOWER, True), (CASED, False)):
        if not {"[", "<"} & set(text):  # which BERT of transformers takes for symbols
            assert tokenizer.encode(text) == recipe(text, lower_case)


def test_words_of_the_vocabulary_are_one_token() -> None:
    assert tokens("我们今天去公园用模型") == ["我", "们", "今天", "去", "公园", "用", "模型"]
    assert tokens("A股", CASED) == ["A股"]
    assert tokens("gpting hello") == ["gpt", "##ing", "hello"]


def test_a_word_that_the_vocabulary_lacks_is_read_by_character() -> None:
    # jieba knows 今天天气 as a word
    assert tokens("今天天气很好") == ["今", "天", "天", "气", "很", "好"]
    assert tokens("今天的天气") == ["今天", "的", "天气"]


def test_no_word_is_guessed() -> None:
    assert "杭研" in jieba.lcut("在杭研大学", HMM=True)
    assert tokens("在杭研大学") == ["在", "杭", "研", "大学"]


def test_a_mixed_text_comes_back_in_its_documented_form() -> None:
    assert LOWER.decode(LOWER.encode(MIXED)) == "今天用gpt4写：100元，hello, world! 3.14 12:30很好。發財don't"
    assert LOWER.lost(MIXED) == ("鑫", "\n", "😀", "Ｇ", "Ｐ", "Ｔ", "▁")


def test_what_is_lost_is_said_as_it_was_typed() -> None:
    assert LOWER.lost("鑫今天É大学") == ("鑫", "É")
    assert CASED.lost("World 今天") == ("W", "o", "r", "l", "d")


@given(st.lists(st.integers(0, len(TOKENS) - 1), max_size=30))
def test_what_is_streamed_and_joined_is_decoded(ids: list[int]) -> None:
    stream = LOWER.detokenizer()
    assert "".join([stream.push(i) for i in ids]) == LOWER.decode(ids)


@given(texts)
def test_symbols_are_neither_read_nor_written(text: str) -> None:
    ids = LOWER.encode(text)
    assert not set(ids) & {0, 1, 3, 4, 5, 6}
    assert "[UNK]" not in LOWER.decode(ids)


def test_the_vocabulary_writes_words() -> None:
    vocabulary = LOWER.vocabulary
    assert vocabulary.pieces[TOKENS.index("今天")] == "今天".encode()
    assert vocabulary.pieces[TOKENS.index("##今天")] == "今天".encode()
    assert not LOWER.lossless


def test_jieba_itself_is_left_as_it_is(tmp_path: Path) -> None:
    """Neither its dictionary nor its log, and no cache is written."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1] / "support")!r})
from pathlib import Path
from foreign_vocabularies import BERT_SPECIALS, bert_vocabulary, word_tokens
from textgen.tokenizers.words import WordTokenizer
folder = Path({str(tmp_path)!r})
vocabulary = folder / "files"
vocabulary.mkdir()
WordTokenizer(bert_vocabulary(vocabulary, word_tokens()), BERT_SPECIALS, lower_case=True).encode("今天很好")
import jieba
assert not jieba.dt.initialized
"""
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u3000"])
def test_blanks_are_nothing(text: str) -> None:
    assert LOWER.encode(text) == []
