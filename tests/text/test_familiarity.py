"""Texts of other kinds than the models know are told; odd texts of theirs are not refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from textgen.text.emoji import emoji_count
from textgen.text.familiarity import Doubt, judge_bits, judge_characters, judge_markup, kinds
from textgen.text.model_input import as_read


def texts(file: str) -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return [(row["kind"], row["text"]) for row in map(json.loads, lines)]


UNKNOWN, KNOWN = texts("unknown_texts.jsonl"), texts("known_texts.jsonl")
# these have the characters of Chinese texts: a language model tells them
BY_BITS = ("线于", "凸晨")


def doubt_of(text: str) -> Doubt | None:
    return judge_characters(as_read(text).text, emoji_count(text))


def test_there_are_forty_unknown_texts_of_eight_kinds() -> None:
    assert len(UNKNOWN) == 40
    assert len({kind for kind, _ in UNKNOWN}) == 8


@pytest.mark.parametrize(("kind", "text"), UNKNOWN)
def test_unknown_texts_are_told_by_their_characters(kind: str, text: str) -> None:
    if text.startswith(BY_BITS) or not as_read(text).text:
        return
    doubt = doubt_of(text)
    assert doubt is not None
    if len("".join(text.split())) >= 20:  # a shorter one is warned of
        assert doubt.refused


@pytest.mark.parametrize(("kind", "text"), KNOWN)
def test_odd_texts_of_the_known_kind_are_not_refused(kind: str, text: str) -> None:
    doubt = doubt_of(text)
    if kind in ("english terms", "japanese names"):
        assert doubt
        assert not doubt.refused
    else:
        assert doubt is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The city council voted on Tuesday to extend it.", "the text is not Chinese: 97 % Latin letters"),
        ("林" * 40, "the text repeats itself: 1 different in its first 40 Chinese characters"),
        (
            "今日は朝から雨が降っていたので、駅まで歩くのをやめた。",
            "the text is not Chinese: 67 % Japanese kana",
        ),
        ("锛屽競鏀垮簻鍙紑鏂伴椈鍙戝竷浼氾紝瀹ｅ竷鍦伴搧", "73 % of the Chinese characters are rare ones"),
    ],
)
def test_the_reason_is_told(text: str, reason: str) -> None:
    doubt = doubt_of(text)
    assert doubt
    assert doubt.reason == reason
    assert doubt.refused


@pytest.mark.parametrize("text", ["def main", "Hello", "123"])
def test_short_texts_are_warned_of_at_most(text: str) -> None:
    doubt = doubt_of(text)
    assert doubt
    assert not doubt.refused
    strict = judge_characters(text, short=False)
    assert strict
    assert strict.refused


@pytest.mark.parametrize(
    "text",
    ["", "春天", "我爱Python", "2024年，", "走走停停。", "高高兴兴！", "一步一步", "哈哈哈！", "林林林林A"],
)
def test_short_chinese_is_not_doubted(text: str) -> None:
    assert doubt_of(text) is None


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("林林林林林林", "1 different in its 6 characters"),
        ("哈哈哈哈", "1 different in its 4 characters"),
        ("林 林\n林 林", "1 different in its 4 characters"),
        ("春林春林春林", "2 different in its 6 characters"),
        ("林林林林林林。", "1 different in its 6 characters"),
        ("林，林，林，林，林", "1 different in its 5 characters"),
        ("“啊啊啊啊啊啊啊我！”", "2 different in its 8 characters"),
    ],
)
def test_one_thing_over_and_over_is_warned_of(text: str, counts: str) -> None:
    doubt = doubt_of(text)
    assert doubt == Doubt(f"the text repeats itself: {counts}", "give a text with sentences", refused=False)
    assert judge_characters(text, short=False) == doubt


def test_traditional_text_is_no_other_kind() -> None:
    text = "本報訊：市政府昨日宣佈，首條跨海地鐵線路將於明年開始試運行，全長三十二公里。"
    assert doubt_of(text) is None


def test_kinds_are_counted_by_character() -> None:
    counted = kinds("中文，ab1がé\n가ж犇", emoji=2)
    assert counted == {
        "common Chinese characters": 2,
        "rare characters": 1,
        "Latin letters": 3,
        "digits": 1,
        "marks and symbols": 1,
        "Japanese kana": 1,
        "Hangul": 1,
        "letters of other scripts": 1,
        "emoji and private characters": 2,
    }


@pytest.mark.parametrize(
    ("bits", "pieces", "refused"),
    [(8.0, 48, None), (9.5, 48, False), (11.0, 48, True), (11.0, 16, False), (11.0, 8, None)],
)
def test_bits_tell_with_enough_pieces(bits: float, pieces: int, refused: bool | None) -> None:
    doubt = judge_bits(bits, pieces)
    assert (doubt and doubt.refused) == refused


def test_a_piece_of_a_web_page_is_warned_of() -> None:
    doubt = judge_markup('<div class="article"><p>市图书馆延长开放时间。</p></div>')
    assert doubt == Doubt("the text has 4 HTML tags", "give the text without them", refused=False)
    for text in ("市图书馆延长开放时间。", "标签 <br> 换行，1 < 2，3 > 2，<时间>和<地点>。"):
        assert judge_markup(text) is None
