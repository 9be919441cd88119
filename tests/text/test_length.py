"""What a length counts."""

import pytest

from textgen.text.length import characters, counted


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\u3000\t", 0),
        ("春天来了。", 5),
        ("GPT-2 模型", 7),
        ("2024年\u30003月", 7),
        ("第一行\n第二行", 6),
        ("𠮷野家🙂", 4),
    ],
)
def test_all_but_white_space_counts(text: str, count: int) -> None:
    assert characters(text) == len(counted(text)) == count
