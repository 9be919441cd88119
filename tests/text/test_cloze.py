"""Blanks in a text."""

from __future__ import annotations

import pytest

from textgen.text.cloze import Blank, blanks_of


@pytest.mark.parametrize(
    ("text", "blanks"),
    [
        ("今天___很好", ["___"]),
        ("他＿没来，__生气了，＿＿。", ["＿", "__", "＿＿"]),
        ("同学们（　）了下来（）。", ["（　）", "（）"]),
        ("他把钥匙()在家里，( )回不去", ["()", "( )"]),
        ("()，我不去", ["()"]),
        ("请没有[MASK]的旅客", ["[MASK]"]),
        ("又快又□，爱□□书", ["□", "□□"]),
        ("没有空", []),
        ("a_b，snake_case", []),
        ("用print()打印", []),
        ("call() 和 x ( )", []),
        ("（见上）和(下)", []),
        ("[mask]", []),
    ],
)
def test_blanks_are_found(text: str, blanks: list[str]) -> None:
    assert [text[blank.start : blank.end] for blank in blanks_of(text)] == blanks


def test_a_box_is_one_character() -> None:
    assert blanks_of("爱□□书，又快又□，很___") == [Blank(1, 3, 2), Blank(8, 9, 1), Blank(11, 14, None)]
