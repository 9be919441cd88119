"""No text holds an avoided word, and nothing else is banned."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
import torch
from fakes import TabularModel, batch_of, everything, random_table, written
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from textgen.choice.allowed import WholeCharacters, text_ids
from textgen.choice.avoid import Avoid
from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.search import token_by_token
from textgen.decoding.search.beam import beam_search
from textgen.decoding.stop import Stop
from textgen.errors import UsageError
from textgen.resources import models_dir
from textgen.tokenizers.base import Vocabulary
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

LETTERS = "ab 中丮"  # the two characters differ in their last byte only
BYTES = sorted({byte for letter in LETTERS for byte in letter.encode()})
TOKENIZER = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
REAL = TOKENIZER.vocabulary
VOCAB = 8192


def vocabulary_of(pieces: Sequence[bytes]) -> Vocabulary:
    """Id 0 writes nothing, then the pieces."""
    return Vocabulary((b"", *pieces), frozenset(), 0, frozenset())


def bans(avoid: Avoid, ids: Sequence[int], vocab_size: int) -> set[int]:
    """The ids banned after these."""
    scores = torch.randn(1, vocab_size, generator=torch.Generator().manual_seed(0))
    given = scores.clone()
    found = avoid(torch.tensor([ids], dtype=torch.long).view(1, -1), scores)
    assert torch.equal(scores, given)
    kept = found > -torch.inf
    assert torch.equal(found[kept], scores[kept])
    return set((~kept[0]).nonzero()[:, 0].tolist())


def completes(before: bytes, piece: bytes, words: Sequence[bytes]) -> bool:
    """Whether a word ends inside the piece, by looking at every place."""
    text = before + piece
    ends = range(len(before) + 1, len(text) + 1)
    return any(text[:end].endswith(word) for end in ends for word in words)


words_ = st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=4)
pieces_ = st.lists(st.text(LETTERS, min_size=1, max_size=4).map(str.encode), max_size=12).map(
    lambda some: [*some, *(bytes([byte]) for byte in BYTES)]
)


@settings(deadline=None)
@given(pieces_, words_, st.lists(st.integers(0, 99), max_size=12), st.booleans())
@example([b"ab", b"b", b"a"], ["ab", "aab", "b"], [1, 1, 3], False)
@example([b"aab", b"ba", b"a", b"b"], ["aabaab"], [1, 4, 3, 3], False)
@example([b"a", b"b"], ["a"], [1, 2, 1], False)
def test_exactly_what_completes_a_word_is_banned(
    pieces: list[bytes], words: list[str], held: list[int], reverse: bool
) -> None:
    """After any ids, words among them or not, padding among them or not."""
    vocabulary = vocabulary_of(pieces)
    ids = [i % len(vocabulary) for i in held]
    step = -1 if reverse else 1
    before = b"".join(vocabulary.pieces[i][::step] for i in ids if i)
    backward = [word.encode()[::step] for word in words]
    wanted = {i for i, piece in enumerate(vocabulary.pieces) if completes(before, piece[::step], backward)}
    size = len(vocabulary) + 3
    avoid = Avoid(vocabulary, words, size, reverse=reverse)
    # specials stand before a text, never inside it
    ids = [0, 0, *(i for i in ids if i)]
    assert bans(avoid, ids, size) == wanted
    assert bans(avoid, ids, size) == wanted  # from the memory


def walk(vocabulary: Vocabulary, avoid: Avoid | None, seed: int, steps: int = 40) -> list[int]:
    """The best piece by random scores, again and again, as far as any is left."""
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = []
    for _ in range(steps):
        scores = torch.randn(1, len(vocabulary), generator=generator)
        scores[:, 0] = -torch.inf
        if avoid:
            scores = avoid(torch.tensor([ids], dtype=torch.long).view(1, -1), scores)
        if not bool((scores > -torch.inf).any()):
            break
        ids.append(int(scores.argmax()))
    return ids


@settings(deadline=None, max_examples=60)
@given(pieces_, words_, st.booleans(), st.integers(0, 9))
def test_a_walk_never_writes_a_word(pieces: list[bytes], words: list[str], reverse: bool, seed: int) -> None:
    vocabulary = vocabulary_of(pieces)
    ids = walk(vocabulary, Avoid(vocabulary, words, len(vocabulary), reverse=reverse), seed)
    text = b"".join(vocabulary.pieces[i] for i in (ids[::-1] if reverse else ids))
    assert not any(word.encode() in text for word in words)


@pytest.mark.parametrize("reverse", [False, True])
def test_without_the_filter_it_does(reverse: bool) -> None:
    """The control: the same walks hold the words, and with the filter they still write."""
    vocabulary = vocabulary_of([b"a", b"b", "中".encode(), b"ab", b"ba", "b中".encode()])
    held = 0
    for seed in range(20):
        for avoid in (None, Avoid(vocabulary, ["aba", "中b"], len(vocabulary), reverse=reverse)):
            ids = walk(vocabulary, avoid, seed)
            text = b"".join(vocabulary.pieces[i] for i in (ids[::-1] if reverse else ids)).decode()
            assert len(ids) == 40
            assert avoid is None or not ("aba" in text or "中b" in text)
            held += "aba" in text and "中b" in text
    assert held > 15


def test_a_word_across_the_end_of_the_prompt() -> None:
    vocabulary = vocabulary_of([b"a", b"b", b"c", b"bc", b"cab"])
    a, b, c, bc, cab = range(1, 6)
    avoid = Avoid(vocabulary, ["abc"], 6)
    assert bans(avoid, [], 6) == set()
    assert bans(avoid, [a], 6) == {bc}
    assert bans(avoid, [0, 0, a, b], 6) == {c, cab}
    assert bans(avoid, [a, b, c], 6) == set()  # what was given is not ours
    assert bans(avoid, [a, bc, a, b], 6) == {c, cab}
    backward = Avoid(vocabulary, ["abc"], 6, reverse=True)  # the text is built from its end
    assert bans(backward, [], 6) == set()
    assert bans(backward, [c], 6) == {cab}
    assert bans(backward, [0, c, b], 6) == {a}
    assert bans(backward, [bc], 6) == {a}
    assert bans(backward, [c, b, a], 6) == set()


def test_a_text_shorter_than_the_word() -> None:
    vocabulary = vocabulary_of([b"a", b"b"])
    a, b = 1, 2
    avoid = Avoid(vocabulary, ["aabab"], 3)
    word = [a, a, b, a, b]
    assert [bans(avoid, word[:n], 3) for n in range(6)] == [set()] * 4 + [{b}] + [set()]
    assert bans(avoid, [a, b, *word[:4]], 3) == {b}


def test_the_last_bytes_of_a_short_text_count() -> None:
    vocabulary = vocabulary_of([b"a", b"b", b"bab"])
    a, b, bab = range(1, 4)
    avoid = Avoid(vocabulary, ["aabab"], 4)
    assert bans(avoid, [a, a], 4) == {bab}
    assert bans(avoid, [a, a, b], 4) == set()
    assert bans(avoid, [b, a, a], 4) == {bab}  # fewer pieces than the word has bytes


def test_rows_are_filtered_each_by_itself() -> None:
    vocabulary = vocabulary_of([b"a", b"b", b"c"])
    avoid = Avoid(vocabulary, ["ab", "bca"], 4)
    found = avoid(torch.tensor([[1, 1], [2, 3], [3, 2], [0, 0]]), torch.zeros(4, 4)) == -torch.inf
    assert found.int().tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_scores_may_be_wider_than_the_vocabulary() -> None:
    """Embeddings are padded; an id without a piece writes nothing."""
    vocabulary = vocabulary_of([b"a", b"b"])
    assert bans(Avoid(vocabulary, ["ab"], 5), [4, 3, 1], 5) == {2}


def test_no_words_ban_nothing() -> None:
    vocabulary = vocabulary_of([b"a"])
    assert bans(Avoid(vocabulary, [], 2), [1, 1], 2) == set()


def test_an_empty_word_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Avoid(vocabulary_of([b"a"]), ["好", ""], 2)
    assert caught.value.hint


# the real vocabulary


def segmentations(text: bytes) -> list[list[int]]:
    """All ways to write these bytes with real pieces."""
    if not text:
        return [[]]
    return [
        [i, *rest]
        for i, piece in enumerate(REAL.pieces)
        if piece and text.startswith(piece)
        for rest in segmentations(text[len(piece) :])
    ]


@pytest.mark.parametrize("reverse", [False, True])
def test_every_segmentation_of_a_latin_word_is_banned(reverse: bool) -> None:
    avoid = Avoid(REAL, ["Linux"], VOCAB, reverse=reverse)
    ways = segmentations(b" Linux")
    assert len(ways) > 10
    for way in ways:
        ids = [2, *way[::-1]] if reverse else [2, *way]
        first = next(n for n in range(1, len(ids)) if ids[n] in bans(avoid, ids[:n], VOCAB))
        text = b"".join(REAL.pieces[i] for i in (ids[first:0:-1] if reverse else ids[: first + 1]))
        assert b"Linux" in text
        before = b"".join(REAL.pieces[i] for i in (ids[first - 1 : 0 : -1] if reverse else ids[:first]))
        assert b"Linux" not in before
    other = TOKENIZER.encode(" linux LINUX")
    assert not any(other[n] in bans(avoid, other[:n], VOCAB) for n in range(len(other)))


@pytest.mark.parametrize("word", ["人工智", "😀", "龘", "Red Hat", "。\n", "，", "x"])
def test_bytes_and_characters_are_the_same(word: str) -> None:
    avoid = Avoid(REAL, [word], VOCAB)
    byte = {REAL.pieces[i]: i for i in REAL.byte_ids}
    spelled = [byte[bytes([value])] for value in word.encode()]
    assert byte[word.encode()[-1:]] in bans(avoid, spelled[:-1], VOCAB)
    canonical = TOKENIZER.encode("好" + word)
    assert canonical[-1] in bans(avoid, canonical[:-1], VOCAB)
    assert not any(canonical[n] in bans(avoid, canonical[:n], VOCAB) for n in range(len(canonical) - 1))
    assert TOKENIZER.specials.eos not in bans(avoid, canonical[:-1], VOCAB)


# characters that have no piece of their own


def of_bytes(text: bytes) -> list[int]:
    byte = {REAL.pieces[i]: i for i in REAL.byte_ids}
    return [byte[bytes([value])] for value in text]


def faces(first: int, last: int) -> list[str]:
    """The characters of one range of UTF-8: those of F0 9F 98 are U+1F600 to U+1F63F."""
    return [chr(code) for code in range(first, last + 1)]


def test_a_character_that_may_not_be_finished_is_not_begun() -> None:
    """All 64 with the first three bytes are avoided, so the third byte is."""
    avoid = Avoid(REAL, faces(0x1F600, 0x1F63F), VOCAB)
    (third,) = of_bytes(b"\x98")
    assert third in bans(avoid, of_bytes(b"\xf0\x9f"), VOCAB)
    assert not {*of_bytes(b"\x97\x99")} & bans(avoid, of_bytes(b"\xf0\x9f"), VOCAB)
    assert not {*of_bytes(b"\x98")} & bans(avoid, of_bytes(b"\xf0\x9e"), VOCAB)
    assert not {*REAL.byte_ids} & bans(avoid, [], VOCAB)
    assert TOKENIZER.specials.eos not in bans(avoid, of_bytes(b"\xf0\x9f"), VOCAB)


def test_one_way_to_finish_it_is_enough() -> None:
    avoid = Avoid(REAL, faces(0x1F600, 0x1F63E), VOCAB)
    assert not {*REAL.byte_ids} & bans(avoid, of_bytes(b"\xf0\x9f"), VOCAB)
    assert {*REAL.byte_ids} & bans(avoid, of_bytes(b"\xf0\x9f\x98"), VOCAB) == {
        i for i in REAL.byte_ids if 0x80 <= REAL.pieces[i][0] < 0xBF
    }


def test_a_lead_byte_is_banned_where_nothing_can_follow_it() -> None:
    """C2 begins U+0080 to U+00BF, of which the first half are controls and never written."""
    avoid = Avoid(REAL, faces(0xA0, 0xBF), VOCAB)
    assert {*of_bytes(b"\xc2")} <= bans(avoid, [], VOCAB)
    assert not {*of_bytes(b"\xc3")} & bans(avoid, [], VOCAB)


def test_a_word_before_such_a_character_counts() -> None:
    avoid = Avoid(REAL, ["好" + face for face in faces(0x1F600, 0x1F63F)], VOCAB)
    (good,) = TOKENIZER.encode("好")
    assert {*of_bytes(b"\x98")} <= bans(avoid, [good, *of_bytes(b"\xf0\x9f")], VOCAB)
    assert not {*of_bytes(b"\x98")} & bans(avoid, of_bytes(b"\xf0\x9f"), VOCAB)


def test_no_text_of_bytes_is_ever_stuck() -> None:
    """A model that wants an avoided character most writes its neighbour."""
    hard = [Avoid(REAL, faces(0x1F600, 0x1F63F), VOCAB)]
    scoring = Scoring(text_ids(TOKENIZER, VOCAB), [WholeCharacters(REAL, 20)], hard=hard)
    wanted = torch.zeros(4, VOCAB)  # by the place of a byte in its character
    for place, best in enumerate((b"\xf0", b"\x9f", b"\x98\x99", b"\x81")):
        wanted[place, of_bytes(best)] = torch.tensor([60.0, 20])[: len(best)]
    stop = Stop(TOKENIZER.specials.eos, 20)
    model = TabularModel(VOCAB, lambda prefix: wanted[len(prefix) % 4 - 2])  # source and first id come before
    (draft,) = written(model, batch_of([[1]]), scoring, token_by_token.best, lambda _, ids: stop.reason(ids))
    assert draft.reason == "length"
    assert set(TOKENIZER.decode(draft.ids)) == {"\U0001f641"}  # F0 9F 99 81


def test_a_beam_finds_the_best_text_without_the_word() -> None:
    vocabulary = vocabulary_of([b"a", b"b", b"ab"])
    eos, limit = 0, 4
    avoided = 0
    for seed in range(10):
        table = random_table(4, seed)
        scoring = Scoring(everything(4), hard=[Avoid(vocabulary, ["ba", "aa"], 4)])
        found = beam_search(
            TabularModel(4, table), batch_of([[]]), scoring, BeamSearch(4**limit, eos, Length(limit))
        )[0]
        scores: dict[tuple[int, ...], float] = {}
        for length in range(1, limit + 1):
            for ids in itertools.product(range(1, 4), repeat=length - 1):
                rows: list[Tensor] = [table((0, *ids[:n])).log_softmax(-1) for n in range(length)]
                scores[*ids, eos] = sum(float(r[i]) for r, i in zip(rows, (*ids, eos), strict=True)) / length
        texts = {ids: b"".join(vocabulary.pieces[i] for i in ids) for ids in scores}
        fine = {ids for ids, text in texts.items() if b"ba" not in text and b"aa" not in text}
        ended = {tuple(h.ids): h.score for h in found if h.reason == "stop"}
        assert set(ended) == fine
        assert ended == pytest.approx({ids: scores[ids] for ids in fine}, abs=1e-5)
        avoided += max(scores, key=lambda ids: scores[ids]) not in fine
    assert avoided
