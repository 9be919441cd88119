"""Which ids a task may write, with the real vocabulary."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from functools import cache

import pytest
import torch
from fakes import Table, TabularModel, batch_of, random_table, written
from torch import Tensor

from textgen.choice.allowed import (
    WholeCharacters,
    character_length,
    continuation_ids,
    line_ids,
    punctuation_ids,
    text_ids,
    title_ids,
)
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.token_by_token import sample
from textgen.decoding.stop import Stop
from textgen.rng import Draws, row_key
from textgen.store.catalog import find_model
from textgen.tokenizers.base import Tokenizer, Vocabulary
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

VOCAB = 8192
TOKENIZER = SentencePieceTokenizer(find_model("gpt2").tokenizer)
VOCABULARY = TOKENIZER.vocabulary
EOS = TOKENIZER.specials.eos
BYTE = {VOCABULARY.pieces[i][0]: i for i in VOCABULARY.byte_ids}  # by value
PIECES = set(range(16, 8185))


def ids(allowed: Tensor) -> set[int]:
    assert allowed.shape == (VOCAB,)
    assert allowed.dtype == torch.bool
    return set(allowed.nonzero()[:, 0].tolist())


def test_the_vocabulary_is_what_these_tests_think() -> None:
    assert len(VOCABULARY) == 8185
    assert {i for i, piece in enumerate(VOCABULARY.pieces) if not piece} == set(range(16))
    assert VOCABULARY.newline == 16
    assert sorted(BYTE) == list(range(256))
    assert set(vars(TOKENIZER.specials).values()) < set(range(16))
    assert VOCABULARY.spaced
    assert not VOCABULARY.spaced & VOCABULARY.byte_ids


def test_title_ids() -> None:
    found = ids(title_ids(TOKENIZER, VOCAB))
    assert found == PIECES - VOCABULARY.byte_ids - {VOCABULARY.newline} | {EOS}
    assert found & set(range(16)) == {EOS}


def test_line_ids() -> None:
    found = ids(line_ids(TOKENIZER, VOCAB))
    assert found == PIECES - VOCABULARY.byte_ids - {VOCABULARY.newline}
    assert VOCABULARY.spaced < found
    assert ids(line_ids(TOKENIZER, VOCAB, spaces=False)) == found - VOCABULARY.spaced


def test_text_ids() -> None:
    found = ids(text_ids(TOKENIZER, VOCAB))
    assert found - VOCABULARY.byte_ids == PIECES - VOCABULARY.byte_ids | {EOS}
    printable = {*range(0x20, 0x7F)}
    assert {byte for byte, i in BYTE.items() if i in found} == printable | {*range(0x80, 0xC0)} | {
        *range(0xC2, 0xF5)
    }


@pytest.mark.parametrize("task", [title_ids, line_ids, text_ids])
def test_nothing_allowed_is_silent_or_steers_a_terminal(task: Callable[[Tokenizer, int], Tensor]) -> None:
    found = ids(task(TOKENIZER, VOCAB))
    assert not found & set(range(8185, VOCAB))
    for i in found - {EOS, VOCABULARY.newline} - VOCABULARY.byte_ids:
        text = VOCABULARY.pieces[i].decode()
        assert text
        assert not any(unicodedata.category(character) == "Cc" for character in text)


def test_allowed_for_a_vocabulary_without_padding() -> None:
    assert len(title_ids(TOKENIZER, 8185)) == 8185


def test_punctuation() -> None:
    found = punctuation_ids(VOCABULARY)
    texts = {VOCABULARY.pieces[i].decode() for i in found}
    assert {*"，。、：“”《》？；（）！—…·%-+=<>\n ", " -", "...", "℃", "★", "💡"} <= texts
    for text in ("中国", "Ａ１", "the", " Hat", "一", "〇", "0", "é"):
        assert not found & set(TOKENIZER.encode(text))
    assert not found & (VOCABULARY.byte_ids | set(range(16)))
    assert 100 < len(found) < 200
    assert all(len(TOKENIZER.encode(text)) == 1 for text in texts)


def test_a_part_of_a_character_is_no_punctuation() -> None:
    vocabulary = Vocabulary((b"", b"!", b"\xe4\xb8", b"!\xe4", b"a!", b"?"), frozenset({5}), 0, frozenset())
    assert punctuation_ids(vocabulary) == {1}


def test_continuations() -> None:
    assert {VOCABULARY.pieces[i][0] for i in continuation_ids(VOCABULARY)} == set(range(0x80, 0xC0))
    assert continuation_ids(VOCABULARY) < VOCABULARY.byte_ids


# whole characters


def whole(ids_so_far: list[int], end: int = 1000) -> set[int]:
    """The ids that the filter leaves after these."""
    scores = torch.randn(1, VOCAB, generator=torch.Generator().manual_seed(0))
    given = scores.clone()
    found = WholeCharacters(VOCABULARY, end)(torch.tensor([ids_so_far], dtype=torch.long), scores)
    assert torch.equal(scores, given)
    kept = found > -torch.inf
    assert torch.equal(found[kept], scores[kept])
    return set(kept[0].nonzero()[:, 0].tolist())


def begins_character(held: bytes) -> bool:
    if held[0] == 0xED and held[1:] >= b"\xa0":  # a surrogate; the decoder tells only at the third byte
        return False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(held)
    except UnicodeDecodeError:
        return False
    return True


@cache
def continuations(held: bytes) -> frozenset[int]:
    """The bytes after which this may still become a character, by Python's own decoder."""
    return frozenset(byte for byte in range(256) if begins_character(held + bytes([byte])))


def test_after_whole_characters() -> None:
    wanted = set(range(VOCAB)) - {BYTE[b] for b in (*range(0x80, 0xC0),)}
    assert whole([]) | {BYTE[b] for b in range(0xF5, 256)} | {BYTE[0xC0], BYTE[0xC1]} == wanted
    for before in ([300], [BYTE[0x41]], [BYTE[b] for b in "é".encode()], [BYTE[b] for b in "▁".encode()]):
        assert whole(before) == whole([])
    assert whole([300, *[BYTE[b] for b in "😀".encode()]]) == whole([])


@pytest.mark.parametrize("lead", range(0xC2, 0xF5))
def test_every_open_character_goes_on_as_utf8(lead: int) -> None:
    """All leads, all second bytes and a few third ones, against Python's decoder."""
    opened = [bytes([lead])]
    while opened:
        held = opened.pop()
        wanted = set(continuations(held))
        if held == b"\xc2":
            wanted -= set(range(0x80, 0xA0))  # U+0080..009F would steer the terminal
        for before in ([], [300], [BYTE[b] for b in "é".encode()]):
            assert whole([*before, *[BYTE[b] for b in held]]) == {BYTE[byte] for byte in wanted}
        if len(held) + 1 < character_length(lead):
            some = sorted(wanted) if len(held) == 1 and lead in (0xE0, 0xED, 0xF0, 0xF4) else [min(wanted)]
            opened += [held + bytes([byte]) for byte in some]


@pytest.mark.parametrize("left", [1, 2, 3, 4, 5])
def test_no_character_is_begun_that_cannot_be_finished(left: int) -> None:
    held = whole([300] * 7, 7 + left)
    leads = {byte for byte, i in BYTE.items() if i in held and 0xC2 <= byte < 0xF5}
    assert leads == {byte for byte in range(0xC2, 0xF5) if character_length(byte) <= left}
    assert {i for i in held if i not in VOCABULARY.byte_ids} == set(range(VOCAB)) - VOCABULARY.byte_ids


def test_rows_are_filtered_each_by_itself() -> None:
    rows = torch.tensor(
        [[300, BYTE[0xE4]], [BYTE[0xC3], BYTE[0xA9]], [BYTE[0xE4], 300], [BYTE[0xE4], BYTE[0xB8]]]
    )
    scores = torch.zeros(4, VOCAB)
    found = WholeCharacters(VOCABULARY, 9)(rows, scores) > -torch.inf
    for row in range(4):
        assert set(found[row].nonzero()[:, 0].tolist()) == whole(rows[row].tolist(), 9)


def byte_lover(seed: int) -> Table:
    """Random logits that want bytes most of the time: any byte, in any order."""
    table = random_table(VOCAB, seed, dtype=torch.float32)
    bonus = torch.zeros(VOCAB)
    bonus[sorted(VOCABULARY.byte_ids)] = 5.0
    bonus[EOS] = 8.0
    return lambda prefix: table(prefix) + bonus


def sampled(limit: int, law: list[Filter], rows: int = 24) -> list[tuple[list[int], str]]:
    scoring = Scoring(text_ids(TOKENIZER, VOCAB), law)
    keys = [row_key(limit, str(row)) for row in range(rows)]
    stop = Stop(EOS, limit)
    drafts = written(
        TabularModel(VOCAB, byte_lover(limit)),
        batch_of([[row] for row in range(rows)], 2),
        scoring,
        sample(scoring, Draws(keys, 1)),
        lambda _, found: stop.reason(found),
    )
    return [(draft.ids, draft.reason or "") for draft in drafts]


@pytest.mark.parametrize("limit", range(1, 13))
def test_every_sampled_text_is_whole(limit: int) -> None:
    found = sampled(limit, [WholeCharacters(VOCABULARY, limit)])
    for written_ids, _ in found:
        text = TOKENIZER.decode(written_ids)
        assert "�" not in text
        assert b"".join(VOCABULARY.pieces[i] for i in written_ids).decode() == text
    assert any(reason == "length" for _, reason in found)
    if limit > 3:
        assert any(byte >= 0x80 for written_ids, _ in found for i in written_ids for byte in high_bytes(i))
        assert any(reason == "stop" for _, reason in found)


def high_bytes(i: int) -> bytes:
    return VOCABULARY.pieces[i] if i in VOCABULARY.byte_ids else b""


@pytest.mark.parametrize("limit", [1, 4, 12])
def test_without_the_filter_they_are_not(limit: int) -> None:
    """The control: the same logits break nearly every text, so the test above can fail."""
    broken = [written_ids for written_ids, _ in sampled(limit, []) if "�" in TOKENIZER.decode(written_ids)]
    assert len(broken) > 8


@pytest.mark.parametrize("limit", [5, 12])
def test_without_the_end_a_character_may_stay_open(limit: int) -> None:
    """The control for the limit: a filter that thinks there is room begins what it cannot finish."""
    found = sampled(limit, [WholeCharacters(VOCABULARY, limit + 4)], rows=60)
    assert any(TOKENIZER.decode(written_ids).endswith("�") for written_ids, _ in found)


@pytest.mark.parametrize("limit", [2, 5, 9])
def test_every_text_of_a_beam_is_whole(limit: int) -> None:
    scoring = Scoring(text_ids(TOKENIZER, VOCAB), [WholeCharacters(VOCABULARY, limit)])
    search = BeamSearch(6, EOS, Length(limit))
    model = TabularModel(VOCAB, byte_lover(0))
    for pool in beam_search(model, batch_of([[row] for row in range(6)], 2), scoring, search):
        assert pool
        for hypothesis in pool:
            assert "�" not in TOKENIZER.decode(hypothesis.ids)
            assert hypothesis.logprob > -torch.inf


def test_prompts_of_different_lengths() -> None:
    """The end counts from the longest prompt, which all histories are padded to."""
    prompts = [TOKENIZER.encode(text) for text in ("", "春天", "龘龘😀", "一二三四五六七八九十百千")]
    histories = [[TOKENIZER.specials.bos, *prompt] for prompt in prompts]
    limit = 6
    scoring = Scoring(
        text_ids(TOKENIZER, VOCAB), [WholeCharacters(VOCABULARY, max(map(len, histories)) + limit)]
    )
    stop = Stop(EOS, limit)
    keys = [row_key(0, str(row)) for row in range(4)]
    drafts = written(
        TabularModel(VOCAB, byte_lover(1)),
        Batch(histories, [2] * 4, histories),
        scoring,
        sample(scoring, Draws(keys, 8)),
        lambda _, found: stop.reason(found),
        copies=8,
    )
    for draft in drafts:
        assert "�" not in TOKENIZER.decode(draft.ids)
    assert any(len(draft.ids) == limit for draft in drafts)
