"""Prompts that are dialogues, one line a turn, for models that answer them."""

from __future__ import annotations

from collections.abc import Sequence

from textgen.text.blank import is_blank
from textgen.tokenizers.base import Tokenizer


def dialogue_ids(
    text: str, tokenizer: Tokenizer, turns: Sequence[int], room: int
) -> tuple[list[int], int, int]:
    """The ids behind which a model says the next turn.

    Args:
        text: What was said, one line a turn.
        tokenizer: Makes ids of it.
        turns: The symbols of those who speak, one after the other.
        room: Most ids; earlier turns are left out, and of a last one that is too long its beginning.

    Returns:
        The ids; how many of them are of the text; and how many the text has.
    """
    said = [tokenizer.encode(line) for line in text.split("\n") if not is_blank(line)]
    count = sum(map(len, said))
    kept: list[list[int]] = []
    left = room - 1  # one symbol for the turn that is to come
    for turn in reversed(said):
        if len(turn) + 1 > left:
            break
        kept.insert(0, turn)
        left -= len(turn) + 1
    if said and not kept and left > 1:
        kept = [said[-1][1 - left :]]
    # whoever begins, as far as the model reads, is the first speaker
    symbols = [turns[number % len(turns)] for number in range(len(kept) + 1)]
    ids = [i for symbol, turn in zip(symbols, [*kept, []], strict=True) for i in (symbol, *turn)]
    return ids, sum(map(len, kept)), count
