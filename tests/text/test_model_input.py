"""What is read of a text, and how what was written goes back into it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.text.diff import Anchor
from textgen.text.model_input import as_read

INDENTED = "\u3000\u3000我今天😀很高心，\r\n\r\n\u3000\u3000因为考试\u200b成积很好。👨\u200d👩\u200d👧 \n"
TEXTS = st.text(st.sampled_from("天地人\n \r\u3000\u200b\ufe0f😀👩\ue000，髮體后"), max_size=20)


def test_all_but_the_edits_stays_as_it_was_typed() -> None:
    reading = as_read(INDENTED)
    assert reading.text == "我今天很高心，\n因为考试成积很好。"
    text, changes = reading.edited("我今天很高兴，\n因为这次考试成绩很好。")
    assert text == INDENTED.replace("心", "兴").replace("积", "绩").replace("考试", "这次考试")
    cut = [(INDENTED[c.source_start : c.source_end], text[c.start : c.end]) for c in changes]
    assert cut == [("心", "兴"), ("", "这次"), ("积", "绩")]


@settings(deadline=None)  # OpenCC is loaded in the first
@given(TEXTS)
def test_a_text_without_edits_is_the_text(text: str) -> None:
    assert as_read(text).edited(as_read(text).text) == (text, [])


@settings(deadline=None)  # OpenCC is loaded in the first
@given(TEXTS, st.text("天地人和", max_size=12))
def test_changes_cut_what_was_replaced_and_lose_nothing_beside_it(source: str, written: str) -> None:
    reading = as_read(source)
    text, changes = reading.edited(written)
    made, end = "", 0
    for change in changes:
        made += source[end : change.source_start] + text[change.start : change.end]
        end = change.source_end
        assert len(made) == change.end
    assert made + source[end:] == text
    beside = [c for n, c in enumerate(source) if n not in set(reading.places)]
    rest = iter(text)
    assert all(c in rest for c in beside)  # all of them, in their order


@pytest.mark.parametrize(
    ("source", "written", "text"),
    [
        ("今天很好😀", "今天很好啊", "今天很好啊😀"),
        ("\u3000\u3000天好", "今天好", "\u3000\u3000今天好"),
        ("昨👍🏽天", "前日", "前👍🏽日"),  # both characters of a stretch are others: it stays between them
        ("🇨🇳队赢了", "女队赢了", "🇨🇳女队赢了"),
        ("1️⃣先洗菜", "1先切菜", "1️⃣先切菜"),
        ("今天😀很好", "很好", "😀很好"),
    ],
)
def test_emoji_stand_where_they_stood(source: str, written: str, text: str) -> None:
    assert as_read(source).edited(written)[0] == text


def test_an_anchor_says_which_of_two_equal_characters_stayed() -> None:
    assert as_read("天😀天").edited("天地天", [Anchor(0, 2, 1)])[0] == "天地天😀"


def test_words_are_found_in_what_was_typed() -> None:
    reading = as_read("\u3000今天\u200b天氣，天氣真好")
    assert [reading.text[span.start : span.stop] for span in reading.found("天氣")] == ["天气", "天气"]
    assert [reading.text[span.start : span.stop] for span in reading.found("今天\u200b天")] == ["今天天"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("好👨\u200d👩\u200d👧看", "好看"),
        ("好👍🏽看🇨🇳❤️✔️了", "好看了"),
        ("1️⃣买菜", "1买菜"),
        ("好\ue123看", "好看"),
        ("🎉🎉\n正文", "正文"),
        ("★☆①→©「好」…", "★☆①→©「好」…"),
    ],
)
def test_emoji_and_private_characters_are_not_read(text: str, left: str) -> None:
    assert as_read(text).text == left


def test_a_model_of_ones_own_reads_all_of_it() -> None:
    assert as_read("頭髮😀 \n", emoji=True, traditional=True).text == "頭髮😀"


ARTICLE = "皇后在宮裡說，後來衣服乾了，幹部們頭髮很長，發展很快。于右任先生在台灣。"


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("皇后后来", "皇后後來"),
        ("衣服干了，干部头发", "衣服乾了，幹部頭髮"),
        ("发展干部", "發展幹部"),
        ("于右任在台湾", "于右任在台灣"),  # not 於, not 臺
        ("面条与后续", "麵條與後續"),  # stands nowhere in the text
        ("里", "裡"),  # as it was typed, not 裏
        ("Linux 2024", "Linux 2024"),
    ],
)
def test_titles_come_back_in_the_characters_of_the_text(written: str, typed: str) -> None:
    reading = as_read(ARTICLE)
    assert reading.traditional
    assert reading.given_back(written) == typed


def test_words_come_back_as_they_were_typed() -> None:
    assert as_read(ARTICLE).given_back("皇后和臺灣后宫", ["皇后", "后宮"]) == "皇后和臺灣后宮"
    assert as_read("简体的文章，说的是开发。").given_back("头发与开发", ["頭髮"]) == "頭髮与开发"


@pytest.mark.parametrize(
    "text",
    [
        "作家陳映真的小说集昨天在北京发布，读者说它们写出了时代的变迁。",  # a name
        "这是简体的句子，说的是后来的发展。這是繁體的句子，說的是後來的發展。",  # mixed
        "皇后在京城里，天天干活，面子云云。",  # common to both
        "東京の開発は進む",  # Japanese
    ],
)
def test_a_text_is_traditional_only_if_nearly_all_that_tells_is(text: str) -> None:
    reading = as_read(text)
    assert not reading.traditional
    assert reading.text == text
    assert reading.given_back("头发后来") == "头发后来"


@settings(deadline=None)  # OpenCC is loaded in the first
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Cs"]), max_size=20))
def test_simplifying_keeps_every_place(text: str) -> None:
    reading = as_read(f"頭髮{text}")
    assert len(reading.text) == len(reading.places)
    assert len(reading.given_back(reading.text)) == len(reading.text)


def test_opencc_is_loaded_only_for_traditional_text() -> None:
    code = """
import sys
from textgen.text.model_input import as_read
as_read({!r}).given_back("好")
print("opencc" in sys.modules)
"""
    for text, loaded in [("简体的文章，里面有后来😀", "False"), ("頭髮", "True")]:
        done = subprocess.run(
            [sys.executable, "-c", code.format(text)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == loaded


def test_what_is_streamed_of_a_text_is_not_taken_back() -> None:
    reading, text = as_read("他說：「後來呢？」"), "后来，皇后头发，发展"
    for end in range(len(text) + 1):
        settled = reading.settled(text[:end])
        assert reading.given_back(text).startswith(reading.given_back(text[:end])[:settled])
    assert reading.settled(text) == text.rindex("，") + 1
    assert as_read("简体的说法").settled(text) == len(text)
