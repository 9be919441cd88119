"""Trained tokenizers have the ids that models need, lose nothing, and are the same for the same texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from trained_tokenizers import KINDS, PHRASES, Kind, corpus, plan_of, train, written

from textgen.errors import DataError, TextgenError, UsageError
from textgen.resources import models_dir
from textgen.tokenizers.export import build_tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.training import train_tokenizer

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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, SentencePieceTokenizer]:
    folder = tmp_path_factory.mktemp("tokenizers")
    for kind in KINDS:
        train_tokenizer(corpus(), folder / f"{kind}.model", plan_of(kind, vocab_size=2000))
    return {kind: SentencePieceTokenizer(folder / f"{kind}.model") for kind in KINDS}


def split(tokenizer: SentencePieceTokenizer, text: str) -> list[str]:
    return [tokenizer.vocabulary.pieces[i].decode("utf-8", "replace") for i in tokenizer.encode(text)]


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
