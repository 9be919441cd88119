"""What may be written with the vocabularies of other makes, by the bytes of their tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foreign_vocabularies import BERT_SPECIALS, bert_tokens, bert_vocabulary

from textgen.backends.search_rules import scoring_for
from textgen.choice.allowed import (
    WholeCharacters,
    continuation_ids,
    line_ids,
    punctuation_ids,
    text_ids,
    title_ids,
)
from textgen.choice.avoid import Avoid
from textgen.choice.lengths import token_lengths
from textgen.options import ContinueOptions
from textgen.tokenizers.base import Specials
from textgen.tokenizers.wordpiece import WordPieceTokenizer

# a symbol at the end, which ABSENT would hit as an index
BERT_TOKENS = [*bert_tokens(), "[unused99]"]
BERT_ID = {token: i for i, token in enumerate(BERT_TOKENS)}
LAST = len(BERT_TOKENS) - 1


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> WordPieceTokenizer:
    path = bert_vocabulary(tmp_path_factory.mktemp("bert"), BERT_TOKENS)
    return WordPieceTokenizer(path, BERT_SPECIALS, lower_case=True)


@pytest.fixture(scope="module")
def endless(bert: WordPieceTokenizer) -> WordPieceTokenizer:
    """A vocabulary that has no end symbol."""
    return WordPieceTokenizer(bert.path, Specials(pad=0), lower_case=True)


def test_bert_writes_words_and_no_symbols(bert: WordPieceTokenizer) -> None:
    words = {i for i, token in enumerate(BERT_TOKENS) if not token.startswith(("[", "<")) or len(token) == 1}
    line = line_ids(bert, len(BERT_TOKENS))
    assert set(line.nonzero()[:, 0].tolist()) == words
    assert torch.equal(line_ids(bert, len(BERT_TOKENS), spaces=False), line)
    for ids in (text_ids(bert, len(BERT_TOKENS)), title_ids(bert, len(BERT_TOKENS))):
        assert set(ids.nonzero()[:, 0].tolist()) == words | {BERT_SPECIALS.eos}
        assert not ids[BERT_ID["[UNK]"]]
        assert not ids[LAST]


def test_nothing_is_allowed_in_place_of_an_absent_end(endless: WordPieceTokenizer) -> None:
    line = line_ids(endless, len(BERT_TOKENS))
    assert torch.equal(text_ids(endless, len(BERT_TOKENS)), line)
    assert torch.equal(title_ids(endless, len(BERT_TOKENS)), line)
    assert not line[LAST]


def test_nothing_is_exempt_in_place_of_an_absent_end(bert: WordPieceTokenizer, tmp_path: Path) -> None:
    tokens = [*bert_tokens(), "鑫"]
    tokenizer = WordPieceTokenizer(bert_vocabulary(tmp_path, tokens), Specials(pad=0), lower_case=True)
    last = len(tokens) - 1
    options = ContinueOptions(no_repeat_ngram=1, repetition_penalty=2.0, decode="greedy")
    allowed = line_ids(tokenizer, len(tokens))
    scoring = scoring_for(options, tokenizer, allowed, given=1)
    ids, logits = torch.tensor([[last]]), torch.zeros(1, len(tokens))
    logits[0, last] = 4.0
    _, search = scoring(ids, logits)
    assert search[0, last] == -torch.inf
    penalized = scoring_for(options.model_copy(update={"no_repeat_ngram": 0}), tokenizer, allowed, given=1)
    logprobs, search = penalized(ids, logits)
    assert search[0, last] < logprobs[0, last]


def test_bert_writes_only_whole_characters(bert: WordPieceTokenizer) -> None:
    vocabulary, scores = bert.vocabulary, torch.randn(2, len(BERT_TOKENS))
    ids = torch.tensor([[BERT_ID["今"]], [BERT_ID["##o"]]])
    assert torch.equal(WholeCharacters(vocabulary, 2)(ids, scores), scores)
    assert not continuation_ids(vocabulary)


def test_lengths_and_marks_are_of_what_is_written(bert: WordPieceTokenizer) -> None:
    lengths = token_lengths(bert.vocabulary, len(BERT_TOKENS) + 3)
    of = {"今": 1, "，": 1, "hello": 5, "##ing": 3, "##中": 1, "[UNK]": 0, "2024": 4}
    assert {token: int(lengths[BERT_ID[token]]) for token in of} == of
    marks = punctuation_ids(bert.vocabulary)
    assert {BERT_TOKENS[i] for i in marks} >= {"，", "!", "#", "\u2028"}
    assert not {BERT_TOKENS[i] for i in marks} & {"[UNK]", "##ing", "今", "a", "①"}


def test_an_avoided_word_is_found_in_any_tokens(bert: WordPieceTokenizer) -> None:
    scores = torch.zeros(1, len(BERT_TOKENS))
    avoid = Avoid(bert.vocabulary, ["天气", "gpting"], len(BERT_TOKENS))

    def banned(*tokens: str) -> set[str]:
        found = avoid(torch.tensor([[BERT_ID[token] for token in tokens]]), scores)[0]
        return {BERT_TOKENS[i] for i in (found == -torch.inf).nonzero()[:, 0].tolist()}

    assert banned("今", "天") == {"气"}
    assert banned("gpt") == {"##ing"}
    assert banned("天", "，") == set()
