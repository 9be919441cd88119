"""Trained tokenizers have the ids that models need, lose nothing, and are the same for the same texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from textgen.errors import DataError, TextgenError, UsageError
from textgen.options import parse
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.resources import models_dir
from textgen.tokenizers.export import build_tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.training import DEFAULTS, TrainedTokenizer, train_tokenizer

Kind = Literal["char", "unigram", "bpe"]
KINDS: list[Kind] = ["char", "unigram", "bpe"]
PHRASES = [
    "今天天气很好，我们去公园散步。",
    "明天天气不好，他们在图书馆看书。",
    "在 Linux 中安装 Red Hat 的 Server 软件包；",
    "The server serves the service of other servers\n",
    "this Linux server is another Red Hat Server. ",
    "图书馆在公园的东边，共有 1234 本书！",
    "<s>标记</s><mask><0x41>\ttab  两个空格　全角\u2581\u2585\r\n",
]
FRAGMENTS = [" ", "  ", "\n", "\r\n", "\t", "\0", "\u2581", "\u2585", "\u3000", "\u00a0", "\ufeff", "\ufffd"]
FRAGMENTS += [
    "😀",
    "👨‍👩‍👧",
    "龘",
    "𠮷",
    "天气",
    "图书馆",
    "Linux",
    "e\u0301",
    "<s>",
    "<mask>",
    "<unk>",
    "<0x41>",
]
characters = st.characters(codec="utf-8")
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(characters, max_size=8), max_size=12).map("".join)


def plan_of(kind: Kind = "char", **given: Any) -> TokenizerTrainOptions:
    return TokenizerTrainOptions(kind=kind, **given)


def corpus(size: int = 300) -> Iterator[str]:
    """Repetitive texts, as a stream."""
    choose = random.Random(1)
    return ("".join(choose.choices(PHRASES, k=4)) for _ in range(size))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, SentencePieceTokenizer]:
    folder = tmp_path_factory.mktemp("tokenizers")
    for kind in KINDS:
        train_tokenizer(corpus(), folder / f"{kind}.model", plan_of(kind, vocab_size=2000))
    return {kind: SentencePieceTokenizer(folder / f"{kind}.model") for kind in KINDS}


def written(tokenizer: SentencePieceTokenizer) -> list[str]:
    """The learnt pieces, in order."""
    return [piece.decode() for piece in tokenizer.vocabulary.pieces[273:]]


def split(tokenizer: SentencePieceTokenizer, text: str) -> list[str]:
    return [tokenizer.vocabulary.pieces[i].decode("utf-8", "replace") for i in tokenizer.encode(text)]


def train(tmp_path: Path, texts: list[str], plan: TokenizerTrainOptions = DEFAULTS) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(train_tokenizer(texts, tmp_path / "new.model", plan).path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_ids_are_those_of_the_shipped_tokenizer(
    trained: dict[Kind, SentencePieceTokenizer], kind: Kind
) -> None:
    shipped = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
    names, expected = (SentencePieceProcessor(model_file=str(t.path)) for t in (trained[kind], shipped))
    assert [names.id_to_piece(i) for i in range(273)] == [expected.id_to_piece(i) for i in range(273)]
    assert trained[kind].specials == shipped.specials
    assert trained[kind].vocabulary.newline == 16
    assert trained[kind].vocabulary.byte_ids == frozenset(range(17, 273))
    assert trained[kind].vocabulary.pieces[:273] == shipped.vocabulary.pieces[:273]


@pytest.mark.parametrize("kind", KINDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts)
@example(text="")
@example(text=" ")
@example(text="  a \u2581 b  ")
@example(text="\n \t\n")
@example(text="".join(FRAGMENTS))
def test_nothing_is_lost(trained: dict[Kind, SentencePieceTokenizer], kind: Kind, text: str) -> None:
    ids = trained[kind].encode(text)
    assert trained[kind].decode(ids) == text
    assert all(i >= 16 for i in ids)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(learnt=texts, text=texts)
@example(learnt="中", text="a  b ")
@example(learnt="<s><s>中<s>", text="< >")
def test_nothing_is_lost_whatever_was_learnt(tmp_path: Path, kind: Kind, learnt: str, text: str) -> None:
    tokenizer = train(tmp_path, ["文", learnt], plan_of(kind))
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode(learnt)) == learnt


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_file(tmp_path: Path, kind: Kind) -> None:
    plan = plan_of(kind, vocab_size=2000, **({} if kind == "char" else {"max_sentences": 200}))
    first, second = (train_tokenizer(corpus(), tmp_path / name, plan).path for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_characters_are_counted_whatever_the_order_of_the_texts(tmp_path: Path) -> None:
    there, back = list(corpus()), list(corpus())[::-1]
    files = [train_tokenizer(t, tmp_path / name).path for t, name in ((there, "a"), (back, "b"))]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_char_has_no_piece_with_two_chinese_characters(trained: dict[Kind, SentencePieceTokenizer]) -> None:
    pieces = written(trained["char"])
    longer = [piece for piece in pieces if len(piece) > 1]
    assert longer
    assert all(piece.isascii() for piece in longer)
    assert split(trained["char"], PHRASES[0]) == list(PHRASES[0])
    assert len(set(pieces)) == len(pieces)


def test_char_orders_characters_by_how_often_they_occur(tmp_path: Path) -> None:
    tokenizer = train(tmp_path, ["乙甲丙甲乙甲 丙乙甲", "丁甲"])
    assert written(tokenizer) == ["甲", "乙", "丙", " ", "丁"]


def test_char_joins_letters_to_words(trained: dict[Kind, SentencePieceTokenizer]) -> None:
    assert split(trained["char"], "在Linux中") == ["在", "Linux", "中"]
    assert split(trained["char"], "Red Hat") == ["Red", " Hat"]
    words = "another server serves the others"
    assert len(trained["char"].encode(words)) < len(words) / 2


def test_a_frequent_word_is_a_piece_even_if_part_of_no_other(tmp_path: Path) -> None:
    assert split(train(tmp_path, ["用Kubernetes。"] * 10), "Kubernetes") == ["Kubernetes"]


def test_char_obeys_the_number_of_latin_pieces(tmp_path: Path) -> None:
    for most in (0, 7):
        tokenizer = train(tmp_path, list(corpus()), plan_of(latin_pieces=most))
        assert sum(len(piece) > 1 for piece in written(tokenizer)) == most


def test_a_short_vocabulary_holds_the_most_frequent_characters(tmp_path: Path) -> None:
    tokenizer = train(tmp_path, ["甲甲甲乙乙丙"], plan_of(vocab_size=273 + 3))
    assert written(tokenizer) == ["甲", "乙", " "]
    assert tokenizer.encode("丙") == [17 + byte for byte in "丙".encode()]


@pytest.mark.parametrize("kind", KINDS)
def test_rare_characters_are_bytes(tmp_path: Path, kind: Kind) -> None:
    tokenizer = train(tmp_path, ["甲乙甲乙龘甲乙"], plan_of(kind, min_count=2))
    assert tokenizer.encode("龘") == [17 + byte for byte in "龘".encode()]
    assert not any("龘" in piece for piece in written(tokenizer))


@pytest.mark.parametrize("kind", KINDS)
def test_controls_and_invisible_characters_are_bytes(
    trained: dict[Kind, SentencePieceTokenizer], kind: Kind
) -> None:
    # decoders ban control characters by their bytes
    learnt = set("".join(written(trained[kind])))
    assert not learnt & set("\n\r\t\0\u2581\u2585\u200b\ufeff\u2028")
    assert {" ", "　", "天", "<", "！"} <= learnt


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_unigram_and_bpe_learn_chinese_words(tmp_path: Path, kind: Kind) -> None:
    words = ["天气", "公园", "图书馆", "明天", "我们", "看书", "散步", "很好"]
    choose = random.Random(2)
    texts = ["".join(choose.choices(words, k=9)) + "。\n" for _ in range(200)]
    tokenizer = train(tmp_path, texts, plan_of(kind, vocab_size=273 + 2 * 20))
    assert set(words) <= set(written(tokenizer))
    assert len(tokenizer.encode("".join(words))) <= len(words)
    assert not any("\n" in piece for piece in written(tokenizer))


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_at_most_half_of_what_is_learnt_are_characters(tmp_path: Path, kind: Kind) -> None:
    out = train_tokenizer(corpus(), tmp_path / "new.model", plan_of(kind, vocab_size=313))
    assert out.alphabet == 20
    assert 303 <= out.pieces <= 313


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_text_gives_the_pieces_it_has(tmp_path: Path, kind: Kind) -> None:
    out = train_tokenizer(["中文\n"], tmp_path / "new.model", plan_of(kind))
    assert out == TrainedTokenizer(tmp_path / "new.model", out.pieces, 3, 1, 3, 1.0)
    assert 276 <= out.pieces <= 277  # the space, two characters, perhaps both of them
    assert len(SentencePieceTokenizer(out.path).vocabulary) == out.pieces


def test_the_report_counts_what_was_read(tmp_path: Path) -> None:
    plan = plan_of(min_count=2)
    out = train_tokenizer(iter(["甲甲\n乙", "丙甲"]), tmp_path / "new.model", plan)
    assert (out.texts, out.characters, out.alphabet, out.covered) == (2, 6, 2, 4 / 6)


@pytest.mark.parametrize("kind", KINDS)
def test_long_lines_are_not_dropped(tmp_path: Path, kind: Kind) -> None:
    line = "".join(chr(0x4E00 + i % 500) for i in range(20_000))
    tokenizer = train(tmp_path, [line, "x" * 20_000], plan_of(kind, vocab_size=3000))
    assert {chr(0x4E00 + i) for i in range(500)} <= set(written(tokenizer))
    assert len(tokenizer.encode(line)) <= len(line)
    assert len(tokenizer.encode("x" * 160)) <= 40


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blank", [[], [""], [" \n\t", "\u3000\n"]])
def test_nothing_to_learn_from(tmp_path: Path, kind: Kind, blank: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        train_tokenizer(blank, tmp_path / "new.model", plan_of(kind))
    assert caught.value.line == "no text to train a tokenizer on (the input is empty or blank)"
    assert not list(tmp_path.iterdir())


def test_nothing_frequent_enough(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        train_tokenizer(["中文中文"], tmp_path / "new.model", plan_of(min_count=3))
    hint = "give more text, or a smaller min_count"
    assert caught.value.line == f"no visible character occurs 3 times ({hint})"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"kind": "word"}, "kind word: should be 'char', 'unigram' or 'bpe' (see help for kind)"),
        ({"min_count": 0}, "min_count 0: should be greater than or equal to 1 (see help for min_count)"),
        (
            {"latin_pieces": -1},
            "latin_pieces -1: should be greater than or equal to 0 (see help for latin_pieces)",
        ),
        (
            {"max_sentences": 0},
            "max_sentences 0: should be greater than or equal to 1 (see help for max_sentences)",
        ),
        (
            {"vocab_size": 274},
            "vocab_size 274 leaves no room for characters "
            "(give 275, and 1 more for every character of the texts but two)",
        ),
        (
            {"kind": "bpe", "vocab_size": 276},
            "vocab_size 276 leaves no room for characters "
            "(give 277, and 2 more for every character of the texts but two)",
        ),
    ],
)
def test_a_plan_that_cannot_be(tmp_path: Path, options: dict[str, object], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        train_tokenizer(corpus(), tmp_path / "new.model", parse(TokenizerTrainOptions, options))
    assert caught.value.line == line


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_vocabulary(tmp_path: Path, kind: Kind) -> None:
    size = 275 if kind == "char" else 277
    tokenizer = train(tmp_path, ["甲乙甲"], plan_of(kind, vocab_size=size))
    assert set(written(tokenizer)) == {" ", "甲"}


def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    def unread() -> Iterator[str]:
        pytest.fail("the texts were read")
        yield ""

    with pytest.raises(UsageError, match="is a folder"):
        train_tokenizer(unread(), tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        train_tokenizer(unread(), tmp_path / "nowhere" / "new.model")


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new.model"
    path.write_bytes(b"old")

    def broken() -> Iterator[str]:
        yield "中文"
        raise DataError("row 2 is broken")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="row 2"):
        train_tokenizer(broken(), path)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(TextgenError) as caught:
        train_tokenizer(["中文"], path)
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_quiet(tmp_path: Path, kind: Kind, capfd: pytest.CaptureFixture[str]) -> None:
    train_tokenizer(corpus(20), tmp_path / "new.model", plan_of(kind, vocab_size=2000))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_exported_tokenizer_gives_the_same_ids(
    trained: dict[Kind, SentencePieceTokenizer], kind: Kind
) -> None:
    exported = build_tokenizer(trained[kind].path, (2,))
    shuffle = random.Random(2)
    mixed = ["".join(shuffle.sample(text, len(text))) for text in corpus(20)]
    odd = ["哈哈哈哈哈哈哈哈哈", "图书馆图书馆馆书图", "aaaa servers sserver", "龘😀é\0 Linux\n\n", ""]
    for text in [*corpus(20), *mixed, *odd]:
        plain = text.replace("\u2581", "").replace("<s>", "").replace("</s>", "").replace("<mask>", "")
        assert exported.encode(plain).ids[1:] == trained[kind].encode(plain)


def test_room_is_kept_only_for_the_latin_words_that_there_are(tmp_path: Path) -> None:
    chinese = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    plan = plan_of(vocab_size=273 + 1 + 300)
    assert set(written(train(tmp_path, [chinese], plan))) == {" ", *chinese}
    mixed = written(train(tmp_path, [chinese, "Ubuntu " * 20], plan))
    assert len(mixed) == 301
    assert "Ubuntu" in mixed


@pytest.mark.parametrize(
    ("texts", "options", "told"),
    [
        (["甲甲甲甲甲甲甲乙乙丙"], {"vocab_size": 275}, "70 %|vocab_size 277 covers 99 %"),
        (["甲甲甲甲甲甲甲乙乙丙"], {"vocab_size": 278, "kind": "bpe"}, "70 %|vocab_size 281 covers 99 %"),
        (["甲甲甲甲甲甲甲乙乙丙"], {"min_count": 2}, "90 %|a smaller min_count covers more"),
        (["甲乙丙\u200b"], {}, "75 %|clean the texts of invisible ones"),
        (["甲甲甲甲甲甲甲乙乙丙"], {"vocab_size": 281}, None),
    ],
)
def test_low_coverage_is_told_with_what_to_do(
    tmp_path: Path, texts: list[str], options: dict[str, Any], told: str | None
) -> None:
    notes: list[Any] = []
    out = train_tokenizer(texts, tmp_path / "new.model", parse(TokenizerTrainOptions, options), notes.append)
    if told is None:
        assert notes == []
        assert out.covered == 1
        return
    share, remedy = told.split("|")
    [note] = notes
    wanted = f"warning: {share} of the characters have a token, and the others are bytes: {remedy}"
    assert note.text == wanted


def test_a_vocabulary_filled_by_latin_words_is_told_the_size_that_suffices(tmp_path: Path) -> None:
    texts = ["甲乙 " + " ".join(f"{first}{second}x" for first in "abcdefghij" for second in "abcdefghij")]
    with pytest.raises(UsageError) as caught:
        train_tokenizer(texts, tmp_path / "new.model", plan_of(vocab_size=300))
    assert caught.value.line == (
        "vocab_size 300 leaves no room for characters beside 100 Latin sub-words "
        "(give 385, or fewer latin_pieces)"  # for the space, x, and ten letters
    )
    notes: list[Any] = []
    train_tokenizer(texts, tmp_path / "new.model", plan_of(vocab_size=384), notes.append)
    assert len(notes) == 1
    train_tokenizer(texts, tmp_path / "new.model", plan_of(vocab_size=385), notes.append)
    assert len(notes) == 1
