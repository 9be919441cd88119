"""Avoided words and keywords in vocabularies that fold, lower or respace what they read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from foreign_vocabularies import (
    BERT_SPECIALS,
    GPT2_SPECIALS,
    LLAMA_SPECIALS,
    T5_SPECIALS,
    bert_vocabulary,
    gpt2_files,
    llama_model,
    sentencepiece_model,
)

from textgen.backends.search_rules import scoring_for
from textgen.choice.allowed import line_ids, text_ids
from textgen.choice.avoid import Avoid
from textgen.decoding.constraint import constraint_of, unwritable
from textgen.errors import UsageError
from textgen.options import ContinueOptions
from textgen.tokenizers.base import Tokenizer
from textgen.tokenizers.byte_level import ByteLevelTokenizer
from textgen.tokenizers.raw_sentencepiece import SentencePieceModelTokenizer
from textgen.tokenizers.wordpiece import WordPieceTokenizer

with TemporaryDirectory() as name:
    folder = Path(name)
    BERT = WordPieceTokenizer(bert_vocabulary(folder), BERT_SPECIALS, lower_case=True)
    T5 = SentencePieceModelTokenizer(sentencepiece_model(folder / "spiece.model"), T5_SPECIALS)
    LLAMA = SentencePieceModelTokenizer(llama_model(folder / "tokenizer.model"), LLAMA_SPECIALS)
    GPT2 = ByteLevelTokenizer(gpt2_files(folder), GPT2_SPECIALS)


def banned(tokenizer: Tokenizer, avoided: str, ids: list[int]) -> set[bytes]:
    """What may not come next, by the option."""
    vocabulary = tokenizer.vocabulary
    allowed = line_ids(tokenizer, len(vocabulary))
    scoring = scoring_for(ContinueOptions(avoid=[avoided], decode="greedy"), tokenizer, allowed, given=0)
    _, search = scoring(torch.tensor([ids]), torch.zeros(1, len(vocabulary)))
    return {vocabulary.pieces[i] for i in (allowed & (search[0] == -torch.inf)).nonzero()[:, 0].tolist()}


@pytest.mark.parametrize(
    ("tokenizer", "avoided", "before", "last"),
    [
        (BERT, "hello world", "hello", b"world"),
        (BERT, "GPT", "今", b"gpt"),
        (BERT, "用GPT", "用", b"gpt"),
        (BERT, "天气", "天", "气".encode()),
        (T5, "天气", "今天", "气".encode()),
        (T5, "The we", "The", b" we"),
        (T5, "天，", "天", b","),
        (LLAMA, "The 公", "The ", "公".encode()),
    ],
)
def test_an_avoided_word_is_not_completed(
    tokenizer: Tokenizer, avoided: str, before: str, last: bytes
) -> None:
    assert last in banned(tokenizer, avoided, tokenizer.encode(before))
    assert last not in banned(tokenizer, "鑫今", tokenizer.encode(before))


def test_a_word_of_which_a_part_is_lost_is_not_taken_for_the_rest() -> None:
    assert "今".encode() not in banned(BERT, "鑫今", BERT.encode("天"))


def test_a_space_that_is_not_written_hides_no_avoided_word() -> None:
    [space] = [i for i, piece in enumerate(T5.vocabulary.pieces) if piece == b" "]
    [sky] = [i for i, piece in enumerate(T5.vocabulary.pieces) if piece == "天".encode()]
    air = "气".encode()
    assert T5.decode([sky, space, *T5.encode("气")[1:]]) == "天气"
    assert air in banned(T5, "天气", [sky, space])


def test_a_space_cannot_be_avoided_where_it_is_a_matter_of_the_detokenizer() -> None:
    with pytest.raises(UsageError, match="an empty word cannot be avoided"):
        Avoid(BERT.vocabulary, [" "], len(BERT.vocabulary))


@pytest.mark.parametrize("tokenizer", [BERT, T5, LLAMA, GPT2])
@pytest.mark.parametrize("keyword", ["天气", "公", "a"])
def test_a_keyword_within_a_text_is_one_of_its_spellings(tokenizer: Tokenizer, keyword: str) -> None:
    patterns = constraint_of([keyword], tokenizer).patterns[0]
    assert tuple(tokenizer.encode(keyword)) in patterns
    before, both = tokenizer.encode("。"), tokenizer.encode("。" + keyword)
    assert tuple(both[len(before) :]) in patterns
    assert len(patterns) == len(set(patterns))
    assert () not in patterns


@pytest.mark.parametrize(
    ("keyword", "tokenizer"), [("鑫", BERT), ("天\n", BERT), ("😀今", T5), ("\u200b", BERT)]
)
def test_a_keyword_that_is_lost_cannot_be_written(keyword: str, tokenizer: Tokenizer) -> None:
    allowed = text_ids(tokenizer, len(tokenizer.vocabulary))
    assert unwritable([keyword, "今天"], tokenizer, allowed) == [keyword]
