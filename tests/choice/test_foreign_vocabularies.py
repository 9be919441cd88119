"""What may be written with the vocabularies of other makes, by the bytes of their tokens."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
import torch
from fakes import Table, TabularModel, batch_of, random_table, written
from foreign_vocabularies import BERT_SPECIALS, GPT2_SPECIALS, bert_tokens, bert_vocabulary, gpt2_files
from hypothesis import example, given
from hypothesis import strategies as st

from textgen.backends.search_rules import check_listed, scoring_for
from textgen.choice.allowed import (
    WholeCharacters,
    continuation_ids,
    line_ids,
    punctuation_ids,
    text_ids,
    title_ids,
)
from textgen.choice.avoid import Avoid
from textgen.choice.filters import Filter
from textgen.choice.lengths import token_lengths
from textgen.choice.scoring import Scoring
from textgen.choice.trie import OneOf, Trie
from textgen.decoding.search.token_by_token import sample
from textgen.decoding.stop import Stop
from textgen.errors import UsageError
from textgen.options import ContinueOptions
from textgen.rng import Draws, row_key
from textgen.text.length import characters
from textgen.tokenizers.base import Specials, Vocabulary
from textgen.tokenizers.byte_level import ByteLevelTokenizer
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
    words.remove(BERT_ID["\u2028"])  # it would break the line
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


# runs of bytes

BYTES = 408  # ids of the model, the last of which are no tokens
with TemporaryDirectory() as folder:
    GPT2 = ByteLevelTokenizer(gpt2_files(Path(folder)), GPT2_SPECIALS)
PIECES = GPT2.vocabulary.pieces
PARTS = GPT2.vocabulary.byte_ids
text_of = st.lists(st.sampled_from([*"今天气很好公園😀é𠮷 a", "The", "今天天气"]), max_size=8).map("".join)


def runs(allowed: torch.Tensor) -> set[bytes]:
    return {PIECES[i] for i in allowed.nonzero()[:, 0].tolist()}


def is_utf8(run: bytes) -> bool:
    """Whether this begins a text, by Python's own decoder."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(run)
    except UnicodeDecodeError:
        return False
    return True


def test_a_line_of_runs_has_no_breaks_controls_or_parts_unless_they_are_wanted() -> None:
    line, whole = runs(line_ids(GPT2, BYTES)), set(PIECES) - {PIECES[i] for i in PARTS}
    controls = {bytes([byte]) for byte in [*range(0x20), 0x7F]}
    assert line == {run for run in whole if b"\n" not in run} - controls - {b""}
    with_parts = runs(line_ids(GPT2, BYTES, parts=True))
    assert {b"\xe4", b"\xa4\xa9", b"\xa1\xe5"} <= with_parts - line
    assert not with_parts & {b"\xc0", b"\xc1", b"\xf5", b"\xff", b"\n", b"\x1b", b"\t", b""}
    assert runs(title_ids(GPT2, BYTES, parts=True)) == with_parts | {b""}
    assert runs(text_ids(GPT2, BYTES)) == with_parts | {b"", *(run for run in whole if b"\n" in run)}
    assert b"\xe3\x80\x82\n\n" not in line
    no_spaces = runs(line_ids(GPT2, BYTES, spaces=False, parts=True))
    assert no_spaces == {run for run in with_parts if b" " not in run}


def test_a_line_break_within_a_token_is_one() -> None:
    pieces = (b"", b"\n", "。\n".encode(), b"\n\n", "天".encode(), b"\r\n", b" \t", b"a")
    vocabulary = Vocabulary(pieces, frozenset(), 1, frozenset({6}))
    tokenizer = SimpleNamespace(vocabulary=vocabulary, specials=Specials(pad=0))
    assert line_ids(tokenizer, 9).nonzero()[:, 0].tolist() == [4, 7]
    assert text_ids(tokenizer, 9).nonzero()[:, 0].tolist() == [1, 2, 3, 4, 7]


def test_a_text_is_not_cut_before_a_run_that_goes_on_with_a_character() -> None:
    found = {PIECES[i] for i in continuation_ids(GPT2.vocabulary)}
    assert found == {PIECES[i] for i in PARTS if 0x80 <= PIECES[i][0] < 0xC0}
    assert {b"\xa4\xa9", b"\xa1\xe5"} <= found


@given(text_of)
def test_lengths_of_runs_add_up(text: str) -> None:
    lengths = token_lengths(GPT2.vocabulary, BYTES)
    assert int(lengths[GPT2.encode(text)].sum()) == characters(text)


def whole(ids: list[int], left: int) -> set[int]:
    scores = torch.zeros(1, BYTES)
    found = WholeCharacters(GPT2.vocabulary, len(ids) + left)(torch.tensor([ids], dtype=torch.long), scores)
    return set((found[0] > -torch.inf).nonzero()[:, 0].tolist())


@given(text_of, st.integers(0, 3))
@example("今天", 1)
@example("😀", 2)
@example("天", 1)
def test_what_comes_next_is_utf8_by_pythons_decoder(text: str, cut: int) -> None:
    ids = GPT2.encode(text)
    ids = ids[: len(ids) - cut]
    written = b"".join(PIECES[i] for i in ids)
    # surrogates Python tells only at their third byte, and U+0080..009F are controls
    odd = {0xED: range(0xA0, 0xC0), 0xC2: range(0x80, 0xA0)}
    allowed = set(text_ids(GPT2, BYTES).nonzero()[:, 0].tolist()) - {GPT2_SPECIALS.eos}
    expected = {i for i in allowed if is_utf8(written + PIECES[i])}
    assert not any(PIECES[i][0] in odd.get((written or b" ")[-1], ()) for i in expected)
    assert whole(ids, 100) & allowed == expected


@given(text_of, st.integers(1, 5))
@example("今", 1)
@example("園", 2)
@example("😀", 3)
def test_what_is_listed_in_its_own_tokens_is_never_banned(text: str, spare: int) -> None:
    """Near the end, too: a character of two tokens needs two, whatever the number of its bytes."""
    ids = GPT2.encode(text)
    for at, i in enumerate(ids):
        assert i in whole(ids[:at], len(ids) - at + spare - 1)


def test_no_character_is_begun_that_the_tokens_left_do_not_finish() -> None:
    [sky] = [i for i in PARTS if PIECES[i] == b"\xe5"]
    assert sky not in whole([], 1)
    assert sky in whole([], 2)  # with 天's other two bytes in one token
    assert {PIECES[i] for i in whole([sky], 1) & set(range(400))} >= {b"\xa4\xa9"}
    assert all(len(PIECES[i]) >= 2 for i in whole([sky], 1))
    [smile] = [i for i in PARTS if PIECES[i] == b"\xf0"]
    assert smile not in whole([], 2)
    assert smile in whole([], 3)  # two of its bytes are written by one token


def lover_of_parts(seed: int) -> Table:
    """Random logits that want parts of characters most of the time."""
    table = random_table(BYTES, seed, dtype=torch.float32)
    bonus = torch.zeros(BYTES)
    bonus[sorted(PARTS)] = 4.0
    bonus[GPT2_SPECIALS.eos] = 6.0
    return lambda prefix: table(prefix) + bonus


def sampled(limit: int, law: list[Filter], allowed: torch.Tensor, rows: int = 24) -> list[str]:
    scoring = Scoring(allowed, law)
    stop = Stop(GPT2_SPECIALS.eos, limit)
    drafts = written(
        TabularModel(BYTES, lover_of_parts(limit)),
        batch_of([[row] for row in range(rows)], 2),
        scoring,
        sample(scoring, Draws([row_key(limit, str(row)) for row in range(rows)], 1)),
        lambda _, found: stop.reason(found),
    )
    return [GPT2.decode(draft.ids) for draft in drafts]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("task", [text_ids, lambda *of: title_ids(*of, parts=True)])
def test_every_text_of_runs_is_whole(limit: int, task: Callable[..., torch.Tensor]) -> None:
    texts = sampled(limit, [WholeCharacters(GPT2.vocabulary, limit)], task(GPT2, BYTES))
    assert not any("\ufffd" in text for text in texts)
    assert limit < 3 or any(len(text) < len(text.encode()) for text in texts)
    assert sum("\ufffd" in text for text in sampled(limit, [], task(GPT2, BYTES))) > 5  # the control


@given(text_of)
@example("今天天气")
def test_an_avoided_word_is_never_complete_whatever_runs_spell_it(text: str) -> None:
    words = ["天气", "公", "a"]
    avoid = Avoid(GPT2.vocabulary, words, BYTES)
    ids = GPT2.encode(text)
    for at, i in enumerate(ids):
        before = b"".join(PIECES[j] for j in ids[:at]).decode("utf-8", "ignore")
        after = b"".join(PIECES[j] for j in ids[: at + 1]).decode("utf-8", "ignore")
        completes = any(after.count(word) > before.count(word) for word in words)
        row = torch.tensor([ids[:at]], dtype=torch.long)
        banned = bool(avoid(row, torch.zeros(1, BYTES))[0, i] == -torch.inf)
        # a run that only an avoided word can go on with is banned before it is complete
        assert banned or not completes


def test_no_character_is_begun_that_only_an_avoided_word_finishes() -> None:
    words = [chr(0x4EC0 + n) for n in range(64)]  # all that begin with e4 bb
    avoid = Avoid(GPT2.vocabulary, words, BYTES)
    [lead] = [i for i in PARTS if PIECES[i] == b"\xe4"]
    [second] = [i for i in PARTS if PIECES[i] == b"\xbb"]
    found = avoid(torch.tensor([[lead]]), torch.zeros(1, BYTES))[0]
    assert found[second] == -torch.inf
    assert avoid(torch.tensor([[300]]), torch.zeros(1, BYTES))[0, lead] == 0


def test_parts_of_characters_are_exempt_from_bans_of_ngrams() -> None:
    options = ContinueOptions(no_repeat_ngram=2, decode="greedy")
    scoring = scoring_for(options, GPT2, text_ids(GPT2, BYTES), given=1)
    lead, rest = GPT2.encode("é")
    [word] = [i for i in range(400) if PIECES[i] == "今天".encode()]
    ids = torch.tensor([[400, lead, rest, word, word, lead]])
    _, search = scoring(ids, torch.zeros(1, BYTES))
    assert search[0, rest] > -torch.inf  # the character may be written again
    _, search = scoring(torch.tensor([[400, word, word]]), torch.zeros(1, BYTES))
    assert search[0, word] == -torch.inf


def test_listed_texts_are_written_in_their_runs() -> None:
    listed = ["今天😀", "園é"]
    check_listed(ContinueOptions(one_of=listed), GPT2, text_ids(GPT2, BYTES))
    trie = Trie.of([GPT2.encode(text) for text in listed], GPT2_SPECIALS.eos)
    laws: list[Filter] = [WholeCharacters(GPT2.vocabulary, 12), OneOf(trie, 0)]
    texts = sampled(12, laws, text_ids(GPT2, BYTES))
    assert set(texts) == set(listed)


@pytest.mark.parametrize(("text", "rare"), [("今鑫天", "鑫"), ("今\n天", "\n"), ("[UNK]", "UNK")])
def test_a_listed_text_that_the_vocabulary_loses_a_part_of_is_refused(
    bert: WordPieceTokenizer, text: str, rare: str
) -> None:
    with pytest.raises(UsageError, match="cannot be written") as caught:
        check_listed(ContinueOptions(one_of=[text]), bert, text_ids(bert, len(BERT_TOKENS)))
    assert rare[0] in str(caught.value.hint)
