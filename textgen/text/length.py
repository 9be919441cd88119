"""The length of a text in characters, as all lengths, ranges and shares count it."""

from __future__ import annotations


def counted(text: str) -> str:
    """The characters of a text that count: all but white space, so letters and digits one each."""
    return "".join(text.split())


def characters(text: str) -> int:
    """The number of characters of a text that count.

    Args:
        text: Any text.

    Returns:
        The number of code points that are no white space: a Chinese character, a mark, a letter and a
        digit count one each, so `GPT-2 模型` has 7.
    """
    return len(counted(text))


def deviation(text: str, least: int, most: int) -> int:
    """The number of characters that a text has too few or too many for a range; 0 inside it."""
    count = characters(text)
    return max(least - count, count - most, 0)
