"""Streamed text is the decoded text, and no character is shown before it is whole."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from textgen.resources import models_dir
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.stream import IncrementalDetokenizer

TOKENIZER = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
rare = st.sampled_from(["😀", "👨‍👩‍👧", "𠮷", "\u2581", "é", "\0", "中", "the ", "\n"])
texts = st.lists(rare | st.text(st.characters(codec="utf-8"), max_size=6), max_size=10).map("".join)
byte_heavy = st.lists(st.integers(17, 272) | st.integers(0, 8184), max_size=40)


def streamed(ids: list[int]) -> list[str]:
    """What is shown after each id."""
    stream = IncrementalDetokenizer(TOKENIZER.vocabulary)
    return [stream.push(token) for token in ids]


@given(texts)
@example("😀")
@example("a\u2581b")
def test_only_whole_characters_are_shown_and_at_once(text: str) -> None:
    ids = TOKENIZER.encode(text)
    parts = streamed(ids)
    assert "".join(parts) == text
    for count in range(len(ids) + 1):
        written = b"".join(TOKENIZER.vocabulary.pieces[i] for i in ids[:count])
        whole = written.decode("utf-8", "ignore")  # drops the open character at the end, if any
        assert "".join(parts[:count]) == whole


@given(byte_heavy)
@example([17 + 0xF0, 17 + 0x9F])
@example([17 + 0xE2, 17 + 0x28, 17 + 0xA1])
@example([17 + 0xED, 17 + 0xA0, 17 + 0x80, 17 + 0x41])
@example([17 + 0xF0, 300, 17 + 0x9F])
@example([17 + 0xE4, 3, 17 + 0xB8, 0, 17 + 0xAD])
def test_any_ids_streamed_and_joined_are_what_decode_says(ids: list[int]) -> None:
    """But for a character that is open at the end, which is one mark there."""
    shown, whole = "".join(streamed(ids)), TOKENIZER.decode(ids)
    assert whole in (shown, f"{shown}\ufffd")
    assert "".join(streamed([*ids, *TOKENIZER.encode("好")])) == f"{whole}好"


def test_an_emoji_appears_with_its_last_byte() -> None:
    assert streamed(TOKENIZER.encode("好😀！")) == ["好", "", "", "", "😀", "！"]


def test_specials_show_nothing_even_inside_a_character() -> None:
    first, *rest = [17 + byte for byte in "é".encode()]
    assert streamed([6, first, 3, *rest, 0]) == ["", "", "", "é", ""]


def test_an_open_character_is_held_back() -> None:
    assert streamed([17 + byte for byte in "😀".encode()[:3]]) == ["", "", ""]


def test_a_broken_character_is_replaced_when_the_next_begins() -> None:
    open_character = [17 + 0xE4, 17 + 0xB8]
    assert streamed([*open_character, *TOKENIZER.encode("好")]) == ["", "", "\ufffd好"]


def test_streams_do_not_share_what_they_hold_back() -> None:
    left, right = (IncrementalDetokenizer(TOKENIZER.vocabulary) for _ in range(2))
    assert left.push(17 + 0xC3) == ""
    assert right.push(TOKENIZER.encode("好")[0]) == "好"
    assert left.push(17 + 0xA9) == "é"
