"""Sentences end where a reader says they do, and no character is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.text.segment import ends_sentence, last_sentence_end, sentences

TEXTS = st.text(st.one_of(st.sampled_from("甲a1.。！?…；\n \u3000\r“”‘’（）()《》\"'"), st.characters()))


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        ["今天很好。", "明天呢？", "走吧！"],
        ["真的吗？！", "等等……", "好"],
        ["他说：“你好。”", "她笑了。"],
        ["（见下图。）", "图在这里。"],
        ["他问：“好吗？”！", "没有人答。"],
        ["甲；乙，丙：丁。"],
        ["标题\n", "第一段。\n", "第二段"],
        ["第一段。\n\n\n", "第二段。"],
        ["第一段。 \r\n", "\u3000\u3000第二段。"],
        ["\n\n甲。", "乙。"],
        ["  甲。", "乙。"],
        [" \n "],
        ["圆周率是3.14，版本是v2.0.1。", "完"],
        ["He came. ", "She left."],
        ["Version 3.11. ", "Done"],
        ['He said "yes." ', "Then he left"],
        ["J. Smith 住在 U.S. 很久了。"],
        ["使用Python.然后运行。"],
        ["等一下... 好的。"],
        ["1. 第一项\n", "  2. 第二项。\n", "10. 第三项"],
        ["得了 3. ", "好"],
        ["What? ", "Yes! ", "好"],
    ],
)
def test_sentences(pieces: list[str]) -> None:
    assert sentences("".join(pieces)) == pieces


@given(TEXTS)
def test_sentences_lose_nothing(text: str) -> None:
    pieces = sentences(text)
    assert "".join(pieces) == text
    assert all(pieces)


@given(TEXTS)
def test_only_a_blank_text_has_a_blank_sentence(text: str) -> None:
    assert all(piece.strip() for piece in sentences(text)) or not sentences(text)[-1].strip()


def test_sentences_of_a_long_text_take_linear_time() -> None:
    text = "。" + " " * 200_000 + "甲" + "\n" * 200_000 + "“" * 100_000
    assert "".join(sentences(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "你好。",
        "你好！？",
        "等等……",
        "他说：“你好。”",
        "他说：“你好”。",
        "（你好。）",
        "(你好。）",
        "他说：“她说：‘好。’”",
        "你好。\n",
        "“没有关上的引号\n下一段好了。",
        "上一段的引号到这里结束。”",
        'He said "Stop!"',
    ],
)
def test_ends_sentence(text: str) -> None:
    assert ends_sentence(text)
    assert last_sentence_end(text) == len(text.rstrip())


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("", 0),
        ("\n", 0),
        ("你好", 0),
        ("你好，", 0),
        ("你好；", 0),
        ("他说：“你好。", 0),
        ("（你好。", 0),
        ("《你好！", 0),
        ("他说“你好”", 0),
        ("版本3.", 0),
        ("你好。再", 3),
        ("你好。“", 3),
        ("你好。\n标题", 3),
        ("他来了。他说：“你好。", 4),
        ("他来了。他说：“你好。”然后", 12),
        ("“没有关上。\n好了。然后", 10),
        ("她说：“她说：‘好。’", 0),
    ],
)
def test_within_a_sentence(text: str, end: int) -> None:
    assert not ends_sentence(text)
    assert last_sentence_end(text) == end


@given(TEXTS)
def test_last_sentence_end_is_the_longest_complete_beginning(text: str) -> None:
    complete = [
        end for end in range(1, len(text) + 1) if ends_sentence(text[:end]) and not text[end - 1].isspace()
    ]
    assert last_sentence_end(text) == max(complete, default=0)
