"""What a lossy tokenizer keeps of a text, and the text as typed with the edits of what it wrote."""

from __future__ import annotations

import pytest
from checkpoints import vocabulary, write_vocabulary
from foreign_vocabularies import BERT_SPECIALS

from textgen.backends.tokenized import edited, texts_of, token_places, tokenized, with_spans
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer
from textgen.text.diff import Anchor
from textgen.text.model_input import as_read
from textgen.tokenizers.base import Tokenizer
from textgen.tokenizers.wordpiece import WordPieceTokenizer

BERT_SYMBOLS = ("[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """Of small letters."""
    folder = tmp_path_factory.mktemp("vocabulary")
    write_vocabulary(folder, vocabulary(",", "cafe", "##s", "html", symbols=BERT_SYMBOLS))
    return WordPieceTokenizer(folder / "vocab.txt", BERT_SPECIALS, lower_case=True)


@pytest.mark.parametrize(
    ("text", "read", "places"),
    [
        ("今日小雨", "今日小雨", [0, 1, 2, 3]),
        ("今囧日", "今日", [0, 2]),
        ("今 日", "今日", [0, 2]),
        ("iPhone 15", "iphone 15", list(range(9))),
        ("Hello  World", "hello world", [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]),
        ("Hello quux World", "hello world", [0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15]),
        ("Café在", "cafe在", list(range(5))),
        ("hello,world", "hello,world", list(range(11))),  # the tokenizer puts a space
        ("囧", "", []),
    ],
)
def test_what_is_read(bert: Tokenizer, text: str, read: str, places: list[int]) -> None:
    reading = tokenized(as_read(text, emoji=True, traditional=True, keep_layout=True), bert)
    assert (reading.text, [*reading.places]) == (read, places)
    assert bert.encode(reading.text) == [i for i in bert.encode(text) if i != 2]


def test_a_tokenizer_that_loses_nothing_reads_all() -> None:
    reading = as_read("今囧 日Hello\n", emoji=True, traditional=True, keep_layout=True, lossy=True)
    found = tokenized(reading, load_tokenizer(find_model("gpt2")))
    assert (found.text, found.lossy) == (reading.text, False)


@pytest.mark.parametrize(
    ("text", "now", "result"),
    [
        ("今日小雨", "今日晴", "今日晴"),
        ("今囧日小雨", "今天小雨", "今囧天小雨"),
        ("今 日小雨", "今天小雨", "今 天小雨"),
        ("在iPhone 15，Hello", "在iphone 15，", "在iPhone 15，"),
        ("Hello World", "hello 15 world", "Hello 15 World"),
        ("Hello的World", "hello world", "Hello World"),
        ("hello,world", "hello, world在", "hello,world在"),  # a space of the rules is no edit
        ("HELLO Hello", "hello hello", "HELLO Hello"),  # each in its own form
    ],
)
def test_edits_are_made_in_what_was_typed(bert: Tokenizer, text: str, now: str, result: str) -> None:
    reading = tokenized(as_read(text, emoji=True, traditional=True, keep_layout=True), bert)
    found, changes = edited(reading, now, (), bert)
    assert found == result
    made, end = "", 0
    for change in changes:
        made += text[end : change.source_start] + found[change.start : change.end]
        end = change.source_end
    assert made + text[end:] == found


def test_anchors_move_with_the_spaces_that_are_no_edits(bert: Tokenizer) -> None:
    reading = tokenized(as_read("hello,world的天天", emoji=True, traditional=True), bert)
    now = "hello, world天的天天"
    anchor = Anchor(reading.text.index("的"), now.index("的"), 3)
    assert edited(reading, now, [anchor], bert)[0] == "hello,world天的天天"


def test_places_of_tokens(bert: Tokenizer) -> None:
    text = "hello world今cafes"
    ids = bert.encode(text)
    places = token_places(ids, bert)
    assert [text[place.start : place.stop] for place in places] == ["hello", "world", "今", "cafe", "s"]
    assert texts_of(text, places, [range(1, 3), range(4, 5)]) == ["world今", "s"]
    unspaced = token_places(bert.encode("hello,world"), bert, "hello,world")
    assert unspaced == [range(5), range(5, 6), range(6, 11)]


def test_bytes_stand_where_their_character_does() -> None:
    tokenizer = load_tokenizer(find_model("gpt2"))
    places = token_places(tokenizer.encode("今🙂日"), tokenizer)
    assert [len(place) for place in places] == [1, 0, 0, 0, 1, 1]
    assert places[-1] == range(2, 3)


@pytest.mark.parametrize(
    ("before", "locked", "typed", "behind", "text"),
    [
        ("今", "hello", "Hello", "天", "今Hello天"),
        ("world", "hello", "Hello", "world", "world Hello world"),
        ("world", ",hello", ",Hello", "", "world,Hello"),  # the tokenizer would put a space inside
        ("", "hello", "Hello", "", "Hello"),
    ],
)
def test_spans_stand_for_what_was_typed(
    bert: Tokenizer, before: str, locked: str, typed: str, behind: str, text: str
) -> None:
    parts = [bert.encode(part) for part in (before, locked, behind)]
    span = range(len(parts[0]), len(parts[0]) + len(parts[1]))
    found, [start] = with_spans([*parts[0], *parts[1], *parts[2]], [span], [typed], bert)
    assert found == text
    assert found[start:].startswith(typed)
